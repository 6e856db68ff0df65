#include "answers.hpp"

#include <algorithm>
#include <string>

namespace sweetspot::simulation {
namespace {

// What a sweep tolerates to lose.
constexpr double kTolerance = 0.02;

// Whether a band before it, with less memory, holds something faster: a device that has slowed down
// by then. Nobody loses anything where such a band stays empty.
bool is_dominated(const fake::Machine& machine, const Workload& work,
                  const std::array<std::optional<int>, kDecisions.size()>& winners, std::size_t k) {
  const auto ms = [&](int layers) {
    return true_generation_ms(machine, with_layers(layers), work);
  };
  if (kDecisions[k] == std::string("optimum")) return false;
  return std::any_of(winners.begin(), winners.begin() + static_cast<std::ptrdiff_t>(k),
                     [&](const std::optional<int>& before) {
                       return before && ms(*before) < (1 - kTolerance) * ms(*winners[k]);
                     });
}

}  // namespace

void judge_answers(const fake::Machine& machine, const VramView& vram, const Workload& work,
                   const Bands& bands, const Answers& answers, SearchOutcome& outcome) {
  const auto winners = true_winners(machine, vram, work, bands);
  for (std::size_t k = 0; k < kDecisions.size(); ++k) {
    if (answers[k]) {
      const Config config = with_layers(*answers[k]);
      const bool sound =
          machine.is_safe(config) && belongs_to(kDecisions[k], vram.visible_percent(config), bands);
      outcome.unsafe += static_cast<int>(!sound);
    }
    if (!winners[k]) continue;
    if (!answers[k] && is_dominated(machine, work, winners, k)) {
      ++outcome.left_empty;
      continue;
    }
    if (!answers[k]) {
      ++outcome.missed;
      outcome.regrets[kDecisions[k]] = 1;
      continue;
    }
    outcome.regrets[kDecisions[k]] =
        regret(true_generation_ms(machine, with_layers(*winners[k]), work),
               true_generation_ms(machine, with_layers(*answers[k]), work));
  }
}

}  // namespace sweetspot::simulation
