#include "pretended_holder.hpp"

#include <optional>
#include <utility>

#include "core/no_device.hpp"
#include "machine/answers.hpp"

namespace sweetspot::simulation {

Outcome<protocol::LoadResult> PretendedHolder::load(const protocol::LoadRequest& request,
                                                    std::uint64_t /*model_bytes*/,
                                                    const engine::ProgressFn& /*on_progress*/) {
  auto loaded = fake::load(machine_, session_, request.placement);
  if (loaded && !uses_no_device(request.placement)) {
    driver_.take(machine_.device_need(session_.config()).load_bytes);
  }
  return loaded;
}

Outcome<protocol::ContextResult> PretendedHolder::context(const ContextSettings& settings) {
  auto made = fake::make_context(machine_, session_, settings);
  if (made && !uses_no_device(session_.config().placement)) {
    driver_.take(machine_.device_need(session_.config()).context_bytes);
  }
  return made;
}

// A device that runs out of memory while it computes ends a real process.
template <typename T>
Outcome<T> PretendedHolder::or_die(Outcome<T> answer) {
  driver_.count();
  if (!answer) {
    end();
  } else if (!uses_no_device(session_.config().placement)) {
    driver_.take(machine_.device_need(session_.config()).first_decode_bytes);
  }
  return answer;
}

Outcome<protocol::CheckResult> PretendedHolder::check() { return or_die(fake::check(session_)); }

Outcome<protocol::MeasureResult> PretendedHolder::measure(const protocol::MeasureRequest& request,
                                                          Phase /*phase*/,
                                                          const engine::OnSample& on_sample) {
  return or_die(fake::measure(session_, request, [&](const Sample& sample) {
    driver_.count();
    return on_sample(sample);
  }));
}

Outcome<protocol::DivergenceResult> PretendedHolder::divergence(
    const protocol::DivergenceRequest& /*request*/) {
  return tl::unexpected(Failure{FailureClass::config_rejected, Phase::warm_up,
                                "a pretended machine says nothing of output", std::nullopt, ""});
}

Outcome<protocol::FullDepthResult> PretendedHolder::full_depth(
    const engine::ProgressFn& /*on_progress*/) {
  return or_die(fake::full_depth(machine_, session_));
}

bool PretendedHolder::end() {
  if (alive_) driver_.take(0);
  alive_ = false;
  return true;
}

}  // namespace sweetspot::simulation
