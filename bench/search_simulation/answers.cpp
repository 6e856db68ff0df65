#include "answers.hpp"

namespace sweetspot::simulation {

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
