#include "machine/answers.hpp"

#include <algorithm>
#include <string>

namespace sweetspot::fake {
namespace {

constexpr std::uint32_t kEndSteps = 8;  // as the real one times at the end of the context

std::uint32_t tokens_each(const Session& session) {
  const ContextSettings& context = session.config().context;
  return rounded_context(context.n_ctx) / context.n_parallel;
}

}  // namespace

PlannedMemory planned_memory(const Machine& machine, const Config& config) {
  const auto failure = machine.failure(config);
  if (failure && failure->failure_class == FailureClass::config_rejected) {
    return {{}, 0, failure->message};
  }
  return {machine.memory(config), rounded_context(config.context.n_ctx), {}};
}

Outcome<protocol::LoadResult> load(const Machine& machine, Session& session,
                                   const Placement& placement) {
  const auto seconds = session.load(placement);
  if (!seconds) return tl::unexpected(seconds.error());
  return protocol::LoadResult{*seconds,
                              effective_layers(placement.n_gpu_layers, machine.offloadable()),
                              machine.offloadable()};
}

Outcome<protocol::ContextResult> make_context(const Machine& machine, Session& session,
                                              const ContextSettings& settings) {
  const auto seconds = session.context(settings);
  if (!seconds) return tl::unexpected(seconds.error());
  const Config& config = session.config();
  const int threads = machine.threads(config);
  protocol::ContextResult result;
  result.seconds = *seconds;
  result.effective = {effective_layers(config.placement.n_gpu_layers, machine.offloadable()),
                      rounded_context(settings.n_ctx),
                      settings.n_batch,
                      std::min(settings.n_ubatch, settings.n_batch),
                      threads,
                      settings.n_threads_batch == 0 ? threads : settings.n_threads_batch,
                      std::string(machine.uses_flash_attention(config) ? "on" : "off"),
                      settings.type_k,
                      settings.type_v};
  result.memory = machine.memory(config);
  return result;
}

Outcome<protocol::CheckResult> check(Session& session) {
  if (const auto decoded = session.first_decode(); !decoded) {
    return tl::unexpected(decoded.error());
  }
  return protocol::CheckResult{true, {1.5F, -2.0F, 0.25F, 0.75F, -0.5F, 3.0F}};
}

Outcome<protocol::MeasureResult> measure(Session& session, const protocol::MeasureRequest& request,
                                         const std::function<bool(const Sample&)>& on_sample) {
  const bool prompt = request.kind == protocol::MeasureKind::prompt;
  const auto filled = session.fill(request.cache_tokens);
  if (!filled) return tl::unexpected(filled.error());
  std::uint32_t taken = 0;
  for (bool wanted = true; wanted && taken < request.max_samples; ++taken) {
    const std::uint32_t in_pass = taken % request.tokens_per_pass;
    wanted = on_sample(prompt ? session.prompt(request.tokens_per_pass, request.cache_tokens)
                              : session.generate(request.cache_tokens + in_pass));
  }
  return protocol::MeasureResult{taken / (prompt ? 1 : request.tokens_per_pass), *filled};
}

Outcome<protocol::FullDepthResult> full_depth(const Machine& machine, Session& session) {
  if (const auto decoded = session.first_decode(); !decoded) {
    return tl::unexpected(decoded.error());
  }
  const ContextSettings& context = session.config().context;
  const std::uint32_t each = tokens_each(session);
  const std::uint32_t batch = std::min(context.n_ubatch, each - 1);
  protocol::FullDepthResult result{context.n_parallel, each, "copy", 0, {}};
  // What a state has read cannot be copied: every token is decoded.
  if (machine.model().hybrid) {
    result.filled_by = "decode";
    const auto filled = session.fill(each - 1);
    if (!filled) return tl::unexpected(filled.error());
    result.seconds = *filled;
  }
  result.seconds += session.prompt(batch, each - 1 - batch).duration_ms / 1e3;
  for (std::uint32_t left = std::min(kEndSteps, each - 1); left > 0; --left) {
    result.steps_ms.push_back(session.generate(each - left).duration_ms);
    result.seconds += result.steps_ms.back() / 1e3;
  }
  return result;
}

}  // namespace sweetspot::fake
