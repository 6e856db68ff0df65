#include "llama_bench.hpp"

namespace sweetspot::simulation {
namespace {

constexpr int kRepetitions = 5;

double prompt_ms(fake::Session& session, const Workload& work) {
  if (work.n_prompt == 0) return 0;
  session.prompt(work.n_prompt, work.n_depth);
  double sum = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    sum += session.prompt(work.n_prompt, work.n_depth).duration_ms;
  }
  return sum / kRepetitions;
}

double token_ms(fake::Session& session, const Workload& work) {
  if (work.n_gen == 0) return 0;
  session.generate(work.n_depth);
  double sum = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    for (std::uint32_t token = 0; token < work.n_gen; ++token) {
      sum += session.generate(work.n_depth + token).duration_ms;
    }
  }
  return sum / kRepetitions / work.n_gen;
}

}  // namespace

std::optional<LlamaBenchResult> llama_bench(fake::Session& session, const Config& config,
                                            const Workload& work, Effort& effort) {
  ++effort.trials;
  ++effort.loads;
  std::optional<LlamaBenchResult> result;
  const bool ready = session.load(config.placement) && session.context(config.context) &&
                     session.fill(work.n_depth);
  if (ready) result = LlamaBenchResult{prompt_ms(session, work), token_ms(session, work)};
  effort.seconds = session.state().seconds;
  return result;
}

}  // namespace sweetspot::simulation
