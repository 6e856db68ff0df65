#include "brute_force.hpp"

#include <array>
#include <optional>

#include "answers.hpp"
#include "llama_bench.hpp"
#include "truth.hpp"
#include "tune/space.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {

SearchOutcome brute_force(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                          const Bands& bands) {
  const VramView vram(machine, rules.driver);
  fake::Session session(machine, seed);
  SearchOutcome outcome;
  std::array<double, kDecisions.size()> least_ms = {};
  Answers answers;
  for (int layers = 0; layers <= machine.offloadable(); ++layers) {
    const Config config = with_layers(layers);
    const auto result = llama_bench(session, config, rules.workload, outcome.effort);
    if (!result) continue;
    const double percent = vram.visible_percent(config);
    for (std::size_t k = 0; k < kDecisions.size(); ++k) {
      if (!belongs_to(kDecisions[k], percent, bands)) continue;
      if (answers[k] && least_ms[k] <= result->token_ms) continue;
      answers[k] = layers;
      least_ms[k] = result->token_ms;
    }
  }
  judge_answers(machine, vram, rules.workload, bands, answers, outcome);
  return outcome;
}

SearchOutcome most_layers(const fake::Machine& machine, const Rules& rules, const Bands& bands) {
  const VramView vram(machine, rules.driver);
  SearchOutcome outcome;
  Answers answers;
  for (int layers = 0; layers <= machine.offloadable(); ++layers) {
    const Config config = with_layers(layers);
    if (vram.missing_bytes(config) > 0) break;
    for (std::size_t k = 0; k < kDecisions.size(); ++k) {
      if (belongs_to(kDecisions[k], vram.predicted_percent(config), bands)) answers[k] = layers;
    }
  }
  judge_answers(machine, vram, rules.workload, bands, answers, outcome);
  return outcome;
}

SearchOutcome fit(const fake::Machine& machine, const Rules& rules, const Bands& bands) {
  const VramView vram(machine, rules.driver);
  SearchOutcome outcome;
  Answers answers;
  for (int layers = 0; layers <= machine.offloadable(); ++layers) {
    const std::uint64_t need = offloaded_bytes(machine.memory(with_layers(layers)));
    if (layers == 0 || need + tune::kFitMarginBytes <= machine.device_free_bytes()) {
      answers.back() = layers;
    }
  }
  judge_answers(machine, vram, rules.workload, bands, answers, outcome);
  std::erase_if(outcome.regrets, [](const auto& one) { return one.first != "optimum"; });
  outcome.missed = 0;
  return outcome;
}

}  // namespace sweetspot::simulation
