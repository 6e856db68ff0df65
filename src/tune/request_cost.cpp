#include "tune/request_cost.hpp"

#include <fmt/format.h>

#include "core/no_device.hpp"

namespace sweetspot::tune {
namespace {

Reading<Estimate> energy_of(const Trial& trial) {
  if (!trial.generation->joules_per_token) {
    return Absence{trial.generation->joules_per_token.reason()};
  }
  double joules = *trial.generation->joules_per_token * trial.workload.n_gen;
  if (trial.prompt) {
    if (!trial.prompt->joules_per_token) return Absence{trial.prompt->joules_per_token.reason()};
    joules += *trial.prompt->joules_per_token * trial.workload.n_prompt;
  }
  // A mean of power comes without a spread; the speeds' is the least that it has.
  const Estimate& ms = trial.generation->ms_per_token;
  return Estimate{joules, joules * ms.low / ms.value, joules * ms.high / ms.value};
}

}  // namespace

Reading<Estimate> cost_of(const Trial& trial, Objective objective) {
  if (!trial.measured()) return Absence{"it was not measured"};
  const bool wants_prompt = trial.workload.n_prompt > 0 && objective != Objective::generation;
  if (wants_prompt && !trial.prompt) return Absence{"its prompt was not measured"};
  const Estimate& generation = trial.generation->ms_per_token;
  switch (objective) {
    case Objective::generation:
      return generation;
    case Objective::prompt:
      if (!trial.prompt) return Absence{"the workload has no prompt"};
      return trial.prompt->ms_per_token;
    case Objective::energy:
      return energy_of(trial);
    case Objective::request:
      break;
  }
  return trial.request_ms();
}

std::string why_outside(const Trial& trial, const TuneConstraints& constraints) {
  if (!uses_no_device(trial.config.placement) && trial.vram_percent &&
      *trial.vram_percent > constraints.max_vram_percent) {
    return fmt::format("it takes {:.0f} % of device memory, {:g} % are allowed",
                       *trial.vram_percent, constraints.max_vram_percent);
  }
  const auto too_slow = [](const std::optional<Speed>& speed, const Reading<double>& floor) {
    return floor && speed && speed->tokens_per_second.value < *floor;
  };
  if (too_slow(trial.generation, constraints.min_generation_tokens_per_second)) {
    return fmt::format("it generates fewer than {:g} tokens per second",
                       *constraints.min_generation_tokens_per_second);
  }
  if (too_slow(trial.prompt, constraints.min_prompt_tokens_per_second)) {
    return fmt::format("it reads prompts at fewer than {:g} tokens per second",
                       *constraints.min_prompt_tokens_per_second);
  }
  return {};
}

}  // namespace sweetspot::tune
