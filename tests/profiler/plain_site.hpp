// A site without drivers and processes: every trial succeeds unless a test says otherwise.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "profiler/site.hpp"

namespace sweetspot::profiler::test {

/// What a plain site does, and what it was asked.
struct Plain {
  std::function<double(int layers)> ms = [](int) { return 10.0; };  ///< per token
  std::optional<Failure> start_failure = std::nullopt;
  std::optional<Failure> load_failure = std::nullopt;
  MemoryMap memory = {};  ///< of every context
  Reading<std::uint64_t> host_free = Absence{"nobody asked"};
  bool ends = true;           ///< a holder can be ended
  bool keeps_weights = true;  ///< where a context is made anew
  int contexts = 0;
  bool cancelled = false;
  int starts = 0;
  int ended = 0;
  double now_ms = 0;
};

inline Failure refused() {
  return {FailureClass::config_rejected, Phase::load, "not like this", std::nullopt, ""};
}

class PlainHolder final : public engine::Holder {
 public:
  explicit PlainHolder(Plain& plain) : plain_(plain) {
    abilities_.keeps_weights = plain.keeps_weights;
  }

  [[nodiscard]] const std::vector<Device>& devices() const override { return devices_; }
  [[nodiscard]] const protocol::Abilities& abilities() const override { return abilities_; }

  Outcome<protocol::LoadResult> load(const protocol::LoadRequest& request, std::uint64_t,
                                     const engine::ProgressFn&) override {
    if (plain_.load_failure) return tl::unexpected(*plain_.load_failure);
    layers_ = request.placement.n_gpu_layers;
    return protocol::LoadResult{1, layers_, 2};
  }

  Outcome<protocol::ContextResult> context(const ContextSettings&) override {
    ++plain_.contexts;
    protocol::ContextResult result;
    result.memory = plain_.memory;
    return result;
  }

  Outcome<protocol::MeasureResult> measure(const protocol::MeasureRequest& request, Phase,
                                           const engine::OnSample& on_sample) override {
    bool wanted = true;
    for (std::uint32_t i = 0; wanted && i < request.max_samples; ++i) {
      Sample sample;
      sample.start_ms = plain_.now_ms;
      sample.duration_ms = plain_.ms(layers_);
      sample.tokens = 1;
      plain_.now_ms += sample.duration_ms;
      wanted = on_sample(sample);
    }
    return protocol::MeasureResult{};
  }

  Outcome<protocol::CheckResult> check() override {
    return protocol::CheckResult{true, {1, 2, 3, 4}};
  }
  Outcome<protocol::DivergenceResult> divergence(const protocol::DivergenceRequest&) override {
    return protocol::DivergenceResult{};
  }
  Outcome<protocol::FullDepthResult> full_depth(const engine::ProgressFn&) override {
    return protocol::FullDepthResult{1, 4096, "copy", 1, {}};
  }

  bool end() override {
    ++plain_.ended;
    alive_ = false;
    return plain_.ends;
  }
  [[nodiscard]] bool alive() const override { return alive_; }
  [[nodiscard]] pid_t pid() const override { return 1; }

 private:
  Plain& plain_;
  protocol::Abilities abilities_;
  std::vector<Device> devices_;
  int layers_ = 0;
  bool alive_ = true;
};

class PlainSite final : public Site {
 public:
  explicit PlainSite(Plain& plain) : plain_(plain) {}

  Outcome<std::unique_ptr<engine::Holder>> start(const Placement& /*placement*/) override {
    if (plain_.start_failure) return tl::unexpected(*plain_.start_failure);
    ++plain_.starts;
    return std::make_unique<PlainHolder>(plain_);
  }
  Result<std::vector<PlannedMemory>> ask_maps(const std::vector<Config>& configs) override {
    return std::vector<PlannedMemory>(configs.size());
  }
  void end_maps() override {}
  Reading<std::uint64_t> host_available_bytes() override { return plain_.host_free; }
  [[nodiscard]] std::uint64_t host_reserve_bytes() const override { return 0; }
  devices::Snapshot look() override { return {plain_.now_ms, false, {}, {}}; }
  void begin_window() override {}
  devices::Window end_window() override { return {}; }
  void watch_processors(WatchWorld&, int) override {}
  double now_ms() override { return plain_.now_ms; }
  void sleep_ms(double ms) override { plain_.now_ms += ms; }
  bool cancelled() override { return plain_.cancelled; }

 private:
  Plain& plain_;
};

}  // namespace sweetspot::profiler::test
