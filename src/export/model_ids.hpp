// What a document of several models calls each of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "export/export.hpp"

namespace sweetspot::exporting {

/// plain_id() of each job's name, in their order, no two alike: of models with the same name the
/// second one ends in "-2". Where an id is not the name, `notes` say so in the name of `host`.
std::vector<std::string> model_ids(std::span<const ExportJob> jobs, std::string_view host,
                                   std::vector<std::string>& notes);

}  // namespace sweetspot::exporting
