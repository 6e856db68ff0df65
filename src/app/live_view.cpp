#include "app/live_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "profiles/make_set.hpp"

namespace sweetspot::app {
namespace {

constexpr std::chrono::milliseconds kFirstLook{3000};
constexpr std::chrono::milliseconds kRefresh{500};

devices::ViewOptions view_options(bool may_wake, std::chrono::milliseconds interval) {
  devices::ViewOptions options;
  options.in_background = true;
  options.wake = may_wake;
  options.interval = interval;
  options.deadline =
      std::chrono::milliseconds(0);  // who has not answered by then is not waited for
  return options;
}

}  // namespace

LiveView::LiveView(const Workplace& workplace, const Connection& connection, bool may_wake,
                   std::chrono::milliseconds interval)
    : rpc_(connection.rpc), view_(view_options(may_wake, interval)) {
  // The drivers are asked first: a worker that only lists its devices already takes memory.
  first_ = view_.look_afresh(kFirstLook);
  const auto asleep = std::find_if(first_->cards.begin(), first_->cards.end(),
                                   [](const devices::PciDevice& card) { return card.suspended; });
  if (asleep == first_->cards.end()) {
    ask_ggml(workplace, connection);
  } else {
    notes_.push_back(
        fmt::format("llama.cpp was not asked for its devices: that would wake {}", asleep->id));
  }
}

void LiveView::ask_ggml(const Workplace& workplace, const Connection& connection) {
  Result<engine::Worker> worker = start_worker(workplace, connection);
  if (!worker) {
    problem_ = worker.error();
    return;
  }
  ggml_ = worker->hello().devices;
  llama_cpp_ = profiles::llama_cpp_of(worker->hello().engine);
  worker->end();
}

LiveMachine LiveView::now() {
  const devices::Seen seen = first_ ? *std::exchange(first_, std::nullopt) : view_.look();
  LiveMachine live = ggml_ ? devices::live_machine(seen, *ggml_) : devices::live_machine(seen);
  if (ggml_) {
    for (Device& device : *ggml_) {
      if (device.can_offload()) device.memory_free_bytes = Absence{"ggml was asked before"};
    }
  }
  live.llama_cpp = llama_cpp_;
  live.rpc = rpc_;
  return live;
}

void LiveView::refresh() { (void)view_.look_afresh(kRefresh); }

std::vector<DeviceStatus> LiveView::statuses() { return view_.look().statuses; }

}  // namespace sweetspot::app
