#include "profiler/whole_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"

namespace sweetspot::profiler {
namespace {

// What it may take to decode a whole context where no layer lies on a device: the cache is in host
// memory, and no backend there takes more when it is full. It proves little and costs a CPU most.
constexpr double kWithoutLayersSeconds = 5;

std::string tokens_in_words(const protocol::FullDepthResult& done) {
  return done.n_sequences == 1
             ? fmt::format("{} tokens", done.tokens_each)
             : fmt::format("{} sequences of {} tokens each", done.n_sequences, done.tokens_each);
}

// A step gives a token of each sequence.
std::vector<double> token_times(const protocol::FullDepthResult& done) {
  std::vector<double> times = done.steps_ms;
  for (double& ms : times) ms /= std::max(done.n_sequences, 1U);
  return times;
}

// The worker fills the cache by copying a few tokens over it where the cache allows, or one
// sequence over the others where each has its own part, and decodes one piece of n_ubatch at its
// end, where a token costs more; a recurrent or hybrid model has to decode every token.
std::string why_skipped(const Trial& trial, const Request& request, const ModelInfo& model,
                        bool copies) {
  if (request.full_depth == FullDepthPolicy::never) return "switched off (--full-depth never)";
  if (request.full_depth == FullDepthPolicy::always || !trial.prompt) return {};
  const std::uint32_t n_ctx = trial.effective ? trial.effective->n_ctx : 0;
  const std::uint32_t n_ubatch = trial.effective ? trial.effective->n_ubatch : 0;
  const bool decodes_all = model.recurrent || model.hybrid || !copies;
  const std::uint32_t parts = context_parts(trial.config.context);
  const std::uint32_t decoded = parts > 1 ? n_ctx / parts + n_ubatch : 2 * n_ubatch;
  const double tokens = decodes_all ? n_ctx : std::min(n_ctx, decoded);
  const double seconds = tokens / trial.prompt->tokens_per_second.value;
  const bool no_device_grows = decodes_all && trial.layers == 0;
  const double budget = no_device_grows
                            ? std::min(request.full_depth_budget_seconds, kWithoutLayersSeconds)
                            : request.full_depth_budget_seconds;
  if (seconds <= budget) return {};
  return fmt::format("would take about {}; --full-depth always does it", format_seconds(seconds));
}

}  // namespace

void verify_whole_context(engine::Holder& holder, Trial& trial, const Request& request,
                          const ModelInfo& model, const Observer& observer) {
  if (std::string why = why_skipped(trial, request, model, holder.abilities().copies_depth);
      !why.empty()) {
    trial.full_depth_note = std::move(why);
    return;
  }
  report(observer, Phase::full_depth, 0);
  const auto done = holder.full_depth([&observer](const protocol::Progress& progress) {
    report(observer, progress.phase, progress.fraction);
  });
  if (done) {
    trial.full_depth = FullDepth::verified;
    trial.full_depth_note =
        fmt::format("{}, filled by {}", tokens_in_words(*done), done->filled_by);
    if (auto times = measure::SampleSet::make(token_times(*done))) {
      trial.full_depth_ms = measure::median_interval(*times);
    }
  } else if (done.error().failure_class == FailureClass::cancelled) {
    trial.full_depth_note = "interrupted";
  } else {
    trial.full_depth = FullDepth::failed;
    trial.full_depth_note = done.error().message;
    trial.notes.push_back(fmt::format("unsafe: with its whole context in use it fails ({})",
                                      to_string(done.error().failure_class)));
  }
}

}  // namespace sweetspot::profiler
