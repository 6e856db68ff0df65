#include "launch/relay.hpp"

#include <poll.h>

#include "ground/clock.hpp"

namespace sweetspot::launch {

void Relay::note(const process::CaughtSignal& signal) {
  last_signal_ = signal.number;
  if (interactive_ && signal.from_terminal) return;
  if (told_ == 0) since_ = std::chrono::steady_clock::now();
  ++told_;
}

void Relay::take() {
  while (const auto signal = signals_.next()) note(*signal);
}

void Relay::pass_on(process::Foreground& program) {
  while (const auto signal = signals_.next()) {
    note(*signal);
    if (!signal->from_terminal) program.send(signal->number);
  }
  constexpr int kPatience = 3;
  if (told_ > 0 && (told_ >= kPatience || seconds_since(since_) > stop_seconds_))
    program.kill_tree();
}

void Relay::sleep(std::chrono::milliseconds time) const {
  pollfd wait = {signals_.fd(), POLLIN, 0};
  poll(&wait, 1, static_cast<int>(time.count()));
}

}  // namespace sweetspot::launch
