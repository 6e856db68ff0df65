// What a page is made of: a file that profile, tune or plan wrote.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/run.hpp"
#include "page/figure.hpp"
#include "page/plan_page.hpp"

namespace sweetspot::page {

using Source = std::variant<Run, PlanDocument>;

/// The text of a sweetspot.run/1 or sweetspot.plan/1. `name` is what the file is called in an
/// error, which is of kind usage: no JSON, another document, a newer one, a member that cannot be
/// read.
Result<Source> parse_source(std::string_view text, std::string_view name);

Page page_of(const Source& source);

}  // namespace sweetspot::page
