#include "tune/config_shape.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/no_device.hpp"

namespace sweetspot::tune {
namespace {

// How far apart contexts of one placement lie: near, because what a placement hides it hides from
// all of them.
constexpr double kPerOctave = 0.02;
constexpr double kOtherCache = 0.03;
constexpr double kOtherAttention = 0.03;

double pieces_of(std::uint32_t n_prompt, std::uint32_t n_ubatch) {
  return std::ceil(static_cast<double>(n_prompt) / std::max(n_ubatch, 1U));
}

// All that changes no device memory worth knowing. A batch that only grew with its pieces is none.
ContextSettings other_knobs(const ContextSettings& context, const ContextSettings& base) {
  ContextSettings others = with_memory_of(context, base);
  others.n_batch = std::min(others.n_batch, base.n_batch);
  return others;
}

}  // namespace

ContextSettings with_memory_of(ContextSettings knobs, const ContextSettings& memory) {
  knobs.n_ubatch = memory.n_ubatch;
  knobs.n_batch = std::max(knobs.n_batch, memory.n_ubatch);
  knobs.kv_offload = memory.kv_offload;
  knobs.flash_attn = memory.flash_attn;
  return knobs;
}

ConfigShape::ConfigShape(const PlacementShape& placement, ContextSettings base,
                         const std::vector<ContextSettings>& settings, std::uint32_t n_prompt)
    : placement_(placement), base_(std::move(base)), n_prompt_(n_prompt) {
  for (const ContextSettings& one : settings) {
    ContextSettings other = other_knobs(one, base_);
    const bool known = std::find(others_.begin(), others_.end(), other) != others_.end();
    if (other != base_ && !known) others_.push_back(std::move(other));
  }
}

search::Features ConfigShape::features(const Config& config, Pass pass) const {
  const ContextSettings& context = config.context;
  search::Features features = placement_.features(config.placement);
  const double on_device = features.basis[1];
  const double on_cpu = placement_.cpu_share(config.placement);
  const double more =
      n_prompt_ == 0
          ? 0
          : pieces_of(n_prompt_, context.n_ubatch) / pieces_of(n_prompt_, base_.n_ubatch) - 1;
  const double host = context.kv_offload == base_.kv_offload ? 0 : 1;
  const double flash = context.flash_attn == base_.flash_attn ? 0 : 1;
  // With no layer on the device only prompts are computed there.
  const bool beside = pass == Pass::generation && config.placement.n_gpu_layers == 0 &&
                      !uses_no_device(config.placement);
  if (beside) features.basis[PlacementShape::kCpuAlone] = 1;
  for (const double value :
       {more, more * on_cpu, host * on_device, flash, flash * on_device, beside ? 1.0 : 0.0}) {
    features.basis.push_back(value);
  }
  const ContextSettings mine = other_knobs(context, base_);
  for (const ContextSettings& other : others_) {
    const double is_so = mine == other ? 1 : 0;
    features.basis.push_back(is_so);
    features.basis.push_back(is_so * on_cpu);
  }
  const double octaves =
      std::log2(static_cast<double>(std::max(context.n_ubatch, 1U)) / std::max(base_.n_ubatch, 1U));
  features.position.push_back(kPerOctave * (n_prompt_ == 0 ? 0 : octaves));
  features.position.push_back(kOtherCache * host);
  features.position.push_back(kOtherAttention * flash);
  return features;
}

search::TimePrior ConfigShape::prior(Pass pass, double scale_ms, double typical_ms) const {
  search::TimePrior prior = placement_.prior(scale_ms);
  const auto add = [&](double share, double sd, double of) {
    prior.beta.push_back({share * of, sd * of});
  };
  if (pass == Pass::prompt) {
    add(0.02, 0.4, typical_ms);
    add(0.02, 0.2, scale_ms);
  } else {
    add(0, 0.002, typical_ms);
    add(0, 0.002, scale_ms);
  }
  add(0.05, 0.7, typical_ms);
  add(0, 0.1, typical_ms);
  add(0, 0.1, typical_ms);
  // llama.cpp repacks weights for the CPU only where there is no device.
  add(0.01, 0.03, scale_ms);
  for (std::size_t i = 0; i < others_.size(); ++i) {
    add(0, 0.05, typical_ms);
    add(0, 0.2, scale_ms);
  }
  return prior;
}

}  // namespace sweetspot::tune
