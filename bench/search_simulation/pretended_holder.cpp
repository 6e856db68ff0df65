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
  if (!loaded) return loaded;
  const auto no_room = take(machine_.device_need(session_.config()).load_bytes, Phase::load);
  if (no_room) return tl::unexpected(*no_room);
  return loaded;
}

Outcome<protocol::ContextResult> PretendedHolder::context(const ContextSettings& settings) {
  auto made = fake::make_context(machine_, session_, settings);
  if (!made) return made;
  const auto no_room = take(machine_.device_need(session_.config()).context_bytes, Phase::context);
  if (no_room) return tl::unexpected(*no_room);
  return made;
}

// What another holder has is not there for this one; alone, the machine itself says what fits.
std::optional<Failure> PretendedHolder::take(std::uint64_t device_bytes, Phase phase) {
  const Config& config = session_.config();
  Held held;
  held.host = machine_.memory(config).front().private_bytes();
  if (!uses_no_device(config.placement)) held.device = device_bytes;
  const std::uint64_t others = driver_.held_beside(this).device;
  if (others > 0 && others + held.device > machine_.device_free_bytes()) {
    return Failure{FailureClass::out_of_device_memory, phase,
                   "the device's memory is too small for both", std::nullopt, ""};
  }
  driver_.take(this, held);
  return std::nullopt;
}

// A device that runs out of memory while it computes ends a real process.
template <typename T>
Outcome<T> PretendedHolder::or_die(Outcome<T> answer) {
  driver_.count();
  std::optional<Failure> no_room;
  if (answer) {
    no_room = take(machine_.device_need(session_.config()).first_decode_bytes, Phase::warm_up);
  }
  if (!answer || no_room) end();
  if (no_room) return tl::unexpected(*no_room);
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
  if (alive_) driver_.take(this, {});
  alive_ = false;
  return true;
}

}  // namespace sweetspot::simulation
