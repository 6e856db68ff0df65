#include "profiler/output_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "measure/agreement.hpp"
#include "profiler/failed.hpp"

namespace sweetspot::profiler {
namespace {

bool has_quantized_cache(const ContextSettings& context) {
  return context.type_k != "f16" || context.type_v != "f16";
}

constexpr std::uint32_t kTokens = 256;

bool is_compared(const Trial& trial) {
  return trial.workload.generates() && has_quantized_cache(trial.config.context);
}

// A llama-server loads the model for each context, and compares in any that has room for the
// tokens.
bool has_room_in_its_own(HeldModel& held, const ContextSettings& settings) {
  return !held.holder().abilities().keeps_weights &&
         settings.n_ctx / context_parts(settings) >= kTokens;
}

// Probabilities are compared in a context of their own: with logits for every token, which
// llama-server has no room for, and so small that it fits wherever the trial's own does.
ContextSettings comparing(ContextSettings settings) {
  constexpr std::uint32_t kPiece = 64;
  settings.host_program = HostProgram::libllama;
  settings.n_ctx = std::min(settings.n_ctx, kTokens);
  settings.n_parallel = 1;
  settings.kv_unified = false;
  settings.n_batch = std::min(settings.n_batch, kPiece);
  settings.n_ubatch = std::min(settings.n_ubatch, kPiece);
  return settings;
}

Outcome<void> keep_reference(HeldModel& held, const Trial& trial) {
  if (held.keeps_reference()) return {};
  ContextSettings settings = comparing(trial.config.context);
  settings.type_k = settings.type_v = "f16";
  if (auto made = held.make_context(settings); !made) return tl::unexpected(made.error());
  const auto kept = held.holder().divergence({/*keep_as_reference=*/true});
  if (!kept) return tl::unexpected(kept.error());
  held.reference_is_kept();
  return {};
}

}  // namespace

Outcome<void> OutputCheck::check_divergence(HeldModel& held, Trial& trial) const {
  if (!is_compared(trial)) return {};
  report(observer_, Phase::warm_up, -1);
  if (auto kept = keep_reference(held, trial); !kept) return kept;
  if (has_room_in_its_own(held, trial.config.context)) return {};
  if (auto made = held.make_context(comparing(trial.config.context)); !made) {
    return tl::unexpected(made.error());
  }
  return compare(held, trial);
}

Outcome<void> OutputCheck::check_divergence_in_its_own(HeldModel& held, Trial& trial) const {
  if (!is_compared(trial) || !has_room_in_its_own(held, trial.config.context)) return {};
  report(observer_, Phase::warm_up, -1);
  return compare(held, trial);
}

Outcome<void> OutputCheck::compare(HeldModel& held, Trial& trial) const {
  const auto compared = held.holder().divergence({});
  if (!compared) return tl::unexpected(compared.error());
  trial.divergence = Divergence{compared->positions, compared->mean, compared->p99, compared->max,
                                compared->same_top};
  if (compared->mean <= max_divergence_) return {};
  return tl::unexpected(failed(
      FailureClass::wrong_output, Phase::warm_up,
      fmt::format("its cache types change the output: the next token's probabilities diverge by "
                  "{:.2g} nats on average from those of an f16 cache, {:g} are allowed",
                  compared->mean, max_divergence_)));
}

Outcome<void> OutputCheck::check_logits(HeldModel& held, Trial& trial) {
  report(observer_, Phase::warm_up, -1);
  const auto checked = held.holder().check();
  if (!checked) return tl::unexpected(checked.error());
  if (!checked->finite) {
    return tl::unexpected(failed(FailureClass::non_finite_output, Phase::warm_up,
                                 "the model computes NaN or infinity: its weights are damaged"));
  }
  if (reference_logits_.empty()) {
    reference_logits_ = checked->logits;
    reference_layers_ = trial.layers;
    return {};
  }
  const Reading<double> agreement = measure::agreement(reference_logits_, checked->logits);
  if (!agreement) {
    trial.notes.push_back("output not compared: " + agreement.reason());
  } else if (*agreement < measure::kMinimumAgreement) {
    return tl::unexpected(
        failed(FailureClass::wrong_output, Phase::warm_up,
               fmt::format("its output has a correlation of {:.2f} with that of {} layers, so it "
                           "does not compute the same model",
                           *agreement, reference_layers_)));
  }
  return {};
}

}  // namespace sweetspot::profiler
