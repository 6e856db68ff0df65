// A run as a page: of `sweetspot profile` or `sweetspot tune`.
#pragma once

#include "core/run.hpp"
#include "page/figure.hpp"

namespace sweetspot::page {

Page page_of(const Run& run);

}  // namespace sweetspot::page
