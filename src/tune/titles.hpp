// How a tune's configs are called in a table. Pure.
#pragma once

#include <string>

#include "core/config.hpp"

namespace sweetspot::tune {

std::string placement_title(const Placement& placement);

/// What another context changes that takes memory: ", n_ubatch 256"; empty where nothing.
std::string context_title(const ContextSettings& context, const ContextSettings& base);

}  // namespace sweetspot::tune
