// The thread is detached and shares its state: a driver call that never returns must not be able to
// hold up a trial or the end of the program, and a thread cannot be taken out of such a call.
#include "devices/sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace sweetspot::devices {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr int kLongestPauseIntervals = 10;

std::string stale_reason(double age_ms) {
  return fmt::format("stale: the driver has not answered for {:.1f} s", age_ms / 1000);
}

// The time to wait after a reading that took `read_ms`, so that reading stays a small share of the
// time.
double pause_after(double read_ms, const SamplerOptions& options) {
  const auto interval = static_cast<double>(options.interval.count());
  const double duty = std::clamp(options.max_duty, 0.001, 1.0);
  return std::clamp(read_ms * (1 / duty - 1), interval, interval * kLongestPauseIntervals);
}

void read_all(Sources& sources, Snapshot& snapshot) {
  for (const auto& source : sources.list) {
    std::vector<DeviceStatus> some = source->read();
    std::move(some.begin(), some.end(), std::back_inserter(snapshot.devices));
    snapshot.abilities.merge(source->abilities());
  }
}

}  // namespace

double steady_now_ms() {
  return Milliseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

const DeviceStatus* Snapshot::find(const std::string& pci_bus_id) const {
  for (const DeviceStatus& device : devices) {
    if (device.pci_bus_id && *device.pci_bus_id == pci_bus_id) return &device;
  }
  return nullptr;
}

struct Sampler::State {
  State(SourceFactory factory, SamplerOptions settings)
      : open(std::move(factory)), options(settings) {}

  // Both untouched after construction.
  const SourceFactory open;
  const SamplerOptions options;

  std::mutex mutex;                 // guards everything below
  std::condition_variable wake;     // the thread waits here
  std::condition_variable changed;  // others wait here for a sample or the end
  bool started = false;
  bool stop = false;
  bool finished = false;
  bool sample_now = false;
  double pause_ms = 0;
  Snapshot newest;
  bool window_open = false;
  double window_begin_ms = 0;
  std::vector<Snapshot> window;

  void publish(Snapshot snapshot);
  bool wait_for_turn();
  void finish(const std::string& note);
  void sample(Sources& sources);
  void work();
  [[nodiscard]] double stale_age_ms() const;
  [[nodiscard]] Snapshot current() const;
};

// With the mutex held: how long ago the newest sample was, or 0 where it is recent enough.
double Sampler::State::stale_age_ms() const {
  if (newest.at_ms == 0 || finished) return 0;
  const double age = steady_now_ms() - newest.at_ms;
  const double period = std::max(pause_ms, static_cast<double>(options.interval.count()));
  return age > period * options.stale_after_intervals ? age : 0;
}

// With the mutex held: the newest sample as others may see it.
Snapshot Sampler::State::current() const {
  Snapshot snapshot = newest;
  if (snapshot.at_ms == 0) {
    snapshot.stale = true;
    if (!finished) snapshot.notes.emplace_back("the drivers have not answered yet");
    return snapshot;
  }
  if (const double age = stale_age_ms(); age > 0) {
    snapshot.stale = true;
    for (DeviceStatus& device : snapshot.devices) make_absent(device, stale_reason(age));
  }
  return snapshot;
}

void Sampler::State::publish(Snapshot snapshot) {
  const std::lock_guard lock(mutex);
  pause_ms = pause_after(steady_now_ms() - snapshot.at_ms, options);
  if (window_open && snapshot.at_ms >= window_begin_ms) window.push_back(snapshot);
  newest = std::move(snapshot);
  changed.notify_all();
}

// Waits until the next sample is due. False when the thread should end.
bool Sampler::State::wait_for_turn() {
  std::unique_lock lock(mutex);
  wake.wait_for(lock, Milliseconds(pause_ms), [this] { return stop || sample_now; });
  sample_now = false;
  return !stop;
}

void Sampler::State::finish(const std::string& note) {
  const std::lock_guard lock(mutex);
  if (!note.empty()) newest.notes.push_back(note);
  finished = true;
  changed.notify_all();
}

void Sampler::State::sample(Sources& sources) {
  Snapshot snapshot;
  snapshot.at_ms = steady_now_ms();
  read_all(sources, snapshot);
  snapshot.notes = sources.notes;
  publish(std::move(snapshot));
}

void Sampler::State::work() {
  Sources sources = open();
  while (wait_for_turn()) {
    sample(sources);
    if (sources.list.empty()) break;  // nothing will ever change
  }
}

Sampler::Sampler(SourceFactory open, SamplerOptions options)
    : state_(std::make_shared<State>(std::move(open), options)) {}

Sampler::~Sampler() {
  std::unique_lock lock(state_->mutex);
  state_->stop = true;
  state_->wake.notify_all();
  if (!state_->started) return;
  state_->changed.wait_for(lock, state_->options.stop_deadline,
                           [this] { return state_->finished; });
}

void Sampler::start() {
  const std::lock_guard lock(state_->mutex);
  if (std::exchange(state_->started, true)) return;
  try {
    std::thread([state = state_] {
      try {
        state->work();  // the sources are closed before the end is announced
        state->finish({});
      } catch (const std::exception& e) {
        state->finish(fmt::format("sampling ended: {}", e.what()));
      }
    }).detach();
  } catch (const std::system_error& e) {
    state_->finished = true;
    state_->newest.notes.push_back(fmt::format("no thread for sampling: {}", e.what()));
  }
}

void Sampler::begin() {
  const std::lock_guard lock(state_->mutex);
  state_->window.clear();
  state_->window_open = true;
  state_->window_begin_ms = steady_now_ms();
  state_->sample_now = true;
  state_->wake.notify_all();
}

Window Sampler::end() {
  std::vector<Snapshot> samples;
  Snapshot newest;
  {
    const std::lock_guard lock(state_->mutex);
    if (!std::exchange(state_->window_open, false)) return {};
    samples = std::exchange(state_->window, {});
    newest = state_->current();
  }
  Window window = aggregate(samples);
  for (DeviceStatus& device : newest.devices) {
    if (!device.pci_bus_id) continue;
    const auto known = window.find(*device.pci_bus_id);
    if (known != window.end() && !newest.stale) continue;
    // A window whose later part nobody saw has no mean and no maximum.
    const std::uint32_t seen = known == window.end() ? 0 : known->second.telemetry.samples;
    if (!newest.stale) make_absent(device, "no sample fell into the measurement");
    DeviceWindow absent = aggregate({Snapshot{newest.at_ms, true, {device}, {}}}).begin()->second;
    absent.telemetry.samples = seen;
    window[*device.pci_bus_id] = std::move(absent);
  }
  return window;
}

Snapshot Sampler::latest() const {
  const std::lock_guard lock(state_->mutex);
  return state_->current();
}

Snapshot Sampler::fresh(std::chrono::milliseconds deadline) {
  std::unique_lock lock(state_->mutex);
  if (!state_->started) return state_->current();
  const double asked_ms = steady_now_ms();
  state_->sample_now = true;
  state_->wake.notify_all();
  state_->changed.wait_for(lock, deadline,
                           [&] { return state_->finished || state_->newest.at_ms >= asked_ms; });
  return state_->current();
}

}  // namespace sweetspot::devices
