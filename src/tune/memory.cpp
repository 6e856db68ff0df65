#include "tune/memory.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/no_device.hpp"
#include "tune/placement_shape.hpp"

namespace sweetspot::tune {
namespace {

Config with(Config config, int layers, int kept, bool experts) {
  config.placement.n_gpu_layers = layers;
  (experts ? config.placement.n_cpu_moe : config.placement.n_cpu_ffn) = kept;
  return config;
}

}  // namespace

Memory::Memory(std::vector<Option> options, int offloadable, double max_percent, bool derives)
    : options_(std::move(options)),
      offloadable_(offloadable),
      max_percent_(max_percent),
      derives_(derives) {
  for (std::size_t i = 0; i < options_.size(); ++i) {
    const Config& config = options_[i].config;
    const ContextSettings& context = config.context;
    experts_ = experts_ || config.placement.n_cpu_moe > 0;
    by_key_.emplace(Key{uses_no_device(config.placement), config.placement.n_gpu_layers,
                        kept_on_cpu(config.placement), context.n_ubatch, context.kv_offload,
                        context.flash_attn},
                    i);
  }
}

const Option* Memory::asked(const Config& config) const {
  const ContextSettings& context = config.context;
  const auto found = by_key_.find(Key{uses_no_device(config.placement),
                                      config.placement.n_gpu_layers, kept_on_cpu(config.placement),
                                      context.n_ubatch, context.kv_offload, context.flash_attn});
  if (found == by_key_.end()) return nullptr;
  const Option& option = options_[found->second];
  return option.config.placement == config.placement ? &option : nullptr;
}

// The same layers with every such part on the CPU, and of the parts of the last blocks, which are
// to come back, what they take where all layers are on the device: whichever blocks lie there
// whole, these are among them.
std::optional<Option> Memory::derived(const Config& config) const {
  const int layers = config.placement.n_gpu_layers;
  const int kept = kept_on_cpu(config.placement);
  const int blocks = offloadable_ - 1;
  if (!derives_ || layers < 2 || layers >= offloadable_) return std::nullopt;
  if (kept <= offloadable_ - layers || kept >= blocks) return std::nullopt;
  const Option* none = asked(with(config, layers, blocks, experts_));
  const Option* some_of_all = asked(with(config, offloadable_, kept, experts_));
  const Option* none_of_all = asked(with(config, offloadable_, blocks, experts_));
  if (none == nullptr || some_of_all == nullptr || none_of_all == nullptr) return std::nullopt;
  if (!none->why_not.empty()) return std::nullopt;  // the host has no room for so much, either
  Option option = *none;
  option.config = config;
  option.left_bytes = Absence{"not asked"};
  if (!none->vram_bytes || !some_of_all->vram_bytes || !none_of_all->vram_bytes ||
      !none->vram_percent || !some_of_all->vram_percent || !none_of_all->vram_percent) {
    return std::nullopt;
  }
  option.vram_bytes = *none->vram_bytes + *some_of_all->vram_bytes -
                      std::min(*some_of_all->vram_bytes, *none_of_all->vram_bytes);
  option.vram_percent =
      *none->vram_percent + std::max(0.0, *some_of_all->vram_percent - *none_of_all->vram_percent);
  if (*option.vram_percent > 100) option.why_not = "needs more than there is";
  return option;
}

std::optional<Option> Memory::of(const Config& config) const {
  if (const Option* option = asked(config)) return *option;
  return derived(config);
}

// A driver's own share, and pools that grow with the pieces of the prompt: a line in n_ubatch. What
// was seen in that very context counts alone, then what was seen with pieces of that size; for
// pieces that nobody tried, the line through the nearest two sizes.
double Memory::beyond(const ContextSettings& context) const {
  double largest = 0;
  std::optional<double> there;
  std::map<std::uint32_t, double> by_pieces;
  for (const Beyond& one : seen_) {
    largest = std::max(largest, one.percent);
    if (one.context == context) there = std::max(there.value_or(0), one.percent);
    auto [at, is_new] = by_pieces.emplace(one.context.n_ubatch, one.percent);
    if (!is_new) at->second = std::max(at->second, one.percent);
  }
  if (there) return *there;
  if (const auto same = by_pieces.find(context.n_ubatch); same != by_pieces.end()) {
    return same->second;
  }
  if (by_pieces.size() < 2) return largest;
  auto right = by_pieces.lower_bound(context.n_ubatch);
  if (right == by_pieces.begin()) ++right;
  if (right == by_pieces.end()) --right;
  const auto left = std::prev(right);
  const double slope = (right->second - left->second) /
                       (static_cast<double>(right->first) - static_cast<double>(left->first));
  const double steps = static_cast<double>(context.n_ubatch) - static_cast<double>(left->first);
  return std::max(0.0, left->second + std::max(0.0, slope) * steps);
}

bool Memory::may_be_tried(const Config& config) const {
  const auto option = of(config);
  if (!option) return true;
  if (!option->why_not.empty()) return false;
  if (uses_no_device(config.placement)) return true;
  if (option->vram_bytes && *option->vram_bytes >= too_many_bytes_) return false;
  return option->vram_percent.value_or(0) + beyond(config.context) <= max_percent_;
}

std::optional<Placement> Memory::mixed(int layers, const ContextSettings& context) const {
  const auto beside = std::find_if(options_.begin(), options_.end(), [](const Option& option) {
    return !uses_no_device(option.config.placement);
  });
  if (beside == options_.end()) return std::nullopt;
  const Config base{beside->config.placement, context};
  const Config whole = with(base, layers, 0, experts_);
  if (!asked(whole) || may_be_tried(whole)) return std::nullopt;
  for (int kept = offloadable_ - layers + 1; kept < offloadable_ - 1; ++kept) {
    const Config config = with(base, layers, kept, experts_);
    if (derived(config) && may_be_tried(config)) return config.placement;
  }
  return std::nullopt;
}

void Memory::learn(const Trial& trial) {
  const auto option = of(trial.config);
  if (!option) return;
  if (trial.failure && trial.failure->failure_class == FailureClass::out_of_device_memory &&
      option->vram_bytes) {
    too_many_bytes_ = std::min(too_many_bytes_, *option->vram_bytes);
    // It needed more than there is: so much, at least, is in nobody's prediction.
    if (option->vram_percent) {
      seen_.push_back({trial.config.context, std::max(0.0, 100 - *option->vram_percent)});
    }
  }
  if (uses_no_device(trial.config.placement)) return;
  if (!trial.vram_percent || !option->vram_percent) return;
  seen_.push_back(
      {trial.config.context, std::max(0.0, *trial.vram_percent - *option->vram_percent)});
}

}  // namespace sweetspot::tune
