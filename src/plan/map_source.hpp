// Who answers what llama.cpp would allocate. The product's answer is engine/oracle.hpp.
#pragma once

#include <functional>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/memory_map.hpp"

namespace sweetspot::plan {

/// One answer for each config, in order. Configs of one placement side by side cost least: another
/// placement is a pass over the model's header, another context only a context.
using MapSource =
    std::function<Result<std::vector<PlannedMemory>>(const std::vector<Config>& configs)>;

/// The same, and that an answer came for each config: an error of kind internal otherwise.
Result<std::vector<PlannedMemory>> ask_all(const MapSource& source,
                                           const std::vector<Config>& configs);

}  // namespace sweetspot::plan
