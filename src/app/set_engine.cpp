#include "app/set_engine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/engines.hpp"
#include "core/text.hpp"
#include "dialect/spelling.hpp"

namespace sweetspot::app {

Workplace with_engine_of_set(const SetSource& source, const Workplace& workplace,
                             std::vector<std::string>& notes) {
  // --worker stands for one llama.cpp already.
  if (!workplace.engine.empty() || !workplace.worker_program.empty()) return workplace;
  std::vector<std::string> unsaid;  // whoever takes the set says it
  const Result<std::optional<FoundSet>> found = stored_set(source, workplace, unsaid);
  if (!found || !*found || (*found)->set.origin == Origin::defaults) return workplace;
  const std::string& engine = (*found)->set.engine;
  Workplace same = workplace;
  same.engine = engine.empty() ? std::string(kLinkedEngine) : engine;
  if (engine.empty()) return same;
  const auto card = read_engine(engine, workplace);
  if (card) return same;
  notes.push_back(
      fmt::format("the engine that these profiles were measured with, {}, cannot be "
                  "used any more: {}",
                  shortened(engine), card.error().message));
  return workplace;
}

std::string lacks_sentence(const servers::ServerCard& engine, const Config& config) {
  const auto lacks = dialect::spell_config(engine.abilities, config).lacks;
  if (lacks.empty()) return {};
  return fmt::format("{} cannot be told all of this profile: {}", engine.title(),
                     fmt::join(lacks, "; "));
}

}  // namespace sweetspot::app
