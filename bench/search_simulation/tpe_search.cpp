#include "tpe_search.hpp"

#include <limits>
#include <optional>

#include "llama_bench.hpp"
#include "tpe.hpp"
#include "truth.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {

SearchOutcome tpe_search(const fake::Machine& machine, const ConfigSpace& space, std::uint64_t seed,
                         const Rules& rules, double percent, double best_ms, double baseline_ms) {
  const VramView vram(machine, rules.driver);
  fake::Session session(machine, seed);
  Tpe tpe(space.dimensions(), seed);
  SearchOutcome outcome;
  double least = std::numeric_limits<double>::infinity();
  std::optional<Config> chosen;
  for (int trial = 0; trial < kTpeTrials; ++trial) {
    Point point = tpe.ask();
    const Config config = space.config_of(point);
    const auto result = llama_bench(session, config, rules.workload, outcome.effort);
    double loss = std::numeric_limits<double>::infinity();
    if (result && vram.visible_percent(config) <= percent) {
      loss = result->request_ms(rules.workload);
    }
    if (loss < least) {
      least = loss;
      chosen = config;
    }
    tpe.tell(std::move(point), loss);
  }
  if (!chosen) {
    outcome.missed = 1;
    outcome.regrets["request"] = 1;
    return outcome;
  }
  outcome.unsafe = static_cast<int>(!machine.is_safe(*chosen));
  const double chosen_ms = true_request_ms(machine, *chosen, rules.workload);
  outcome.regrets["request"] = regret(best_ms, chosen_ms);
  outcome.speed_up = baseline_ms / chosen_ms;
  return outcome;
}

}  // namespace sweetspot::simulation
