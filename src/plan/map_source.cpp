#include "plan/map_source.hpp"

#include <fmt/format.h>

namespace sweetspot::plan {

Result<std::vector<PlannedMemory>> ask_all(const MapSource& source,
                                           const std::vector<Config>& configs) {
  auto answers = source(configs);
  if (answers && answers->size() != configs.size()) {
    return error(ErrorKind::internal, fmt::format("{} memory maps came back for {} configs",
                                                  answers->size(), configs.size()));
  }
  return answers;
}

}  // namespace sweetspot::plan
