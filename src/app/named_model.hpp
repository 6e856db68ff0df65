// A model by the name that `sweetspot profiles list` shows.
#pragma once

#include <string>

#include "app/workplace.hpp"
#include "core/error.hpp"

namespace sweetspot::app {

/// The model file that is meant by `typed`: itself where there is such a file, or where no set that
/// is kept belongs to a model of that name. Errors (usage): sets of several files have the name;
/// (model): the set's file is not there any more.
Result<std::string> model_file(const std::string& typed, const Workplace& workplace);

}  // namespace sweetspot::app
