#include "tune/field.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "core/no_device.hpp"
#include "tune/config_shape.hpp"
#include "tune/space.hpp"

namespace sweetspot::tune {
namespace {

// Whole layers; all layers with parts of blocks on the CPU; fewer layers with all of these parts
// there; fewer layers with some of them there.
constexpr std::size_t kFamilies = 4;

// Placements of the base context that are looked at, per family; those between are as good as their
// neighbours.
constexpr int kPerFamily = 32;

// Mixed placements of every other context.
constexpr int kMixed = 16;

std::size_t family_of(const Placement& placement, int offloadable) {
  if (kept_on_cpu(placement) == 0) return 0;
  if (placement.n_gpu_layers >= offloadable) return 1;
  return kept_on_cpu(placement) >= offloadable - 1 ? 2 : 3;
}

bool same_memory(const ContextSettings& a, const ContextSettings& b) {
  return a.n_ubatch == b.n_ubatch && a.kv_offload == b.kv_offload && a.flash_attn == b.flash_attn;
}

class FieldMaker {
 public:
  explicit FieldMaker(const View& view)
      : view_(view), offloadable_(view.shape.offloadable()), base_(view.baseline.context) {
    for (const Option& option : view.memory.options()) {
      if (option.config.context != base_) continue;
      const Placement& placement = option.config.placement;
      families_[family_of(placement, offloadable_)].push_back(&option);
    }
  }

  Field make() {
    add_base();
    for (const ContextSettings& context : contexts()) add_other(context);
    for (const Arm& arm : view_.arms.all()) add(arm.config);
    sort_out();
    return std::move(field_);
  }

 private:
  void add(Config config) {
    const bool known =
        std::find(field_.points.begin(), field_.points.end(), config) != field_.points.end();
    if (!known) field_.points.push_back(std::move(config));
  }

  // Every k-th of each family, its first and last that fit, and of fewer layers with some parts on
  // the CPU those that use all the memory they may.
  void add_base() {
    const ContextSettings context = with_memory_of(view_.knobs, base_);
    for (const auto& members : families_) {
      const std::size_t every = (members.size() + kPerFamily - 1) / kPerFamily;
      const auto fits = [&](std::size_t k) {
        return k < members.size() && members[k]->why_not.empty();
      };
      for (std::size_t k = 0; k < members.size(); ++k) {
        const bool edge = fits(k) && (k == 0 || !fits(k - 1) || !fits(k + 1));
        if (edge ||
            (fits(k) && (k % every == 0 || view_.cliffs.is_in_gap(members[k]->config.placement))))
          add({members[k]->config.placement, context});
      }
    }
    add_mixed(context, kPerFamily);
  }

  // What uses the memory that it makes room for.
  void add_other(const ContextSettings& context) {
    std::array<std::optional<Config>, kFamilies> most;
    std::array<double, kFamilies> bytes{};
    for (std::size_t family = 0; family < kFamilies; ++family) {
      for (const Option* option : families_[family]) {
        const Config config{option->config.placement, context};
        const auto need = view_.memory.of(config);
        if (!need || !view_.memory.may_be_tried(config)) continue;
        const auto now = static_cast<double>(need->vram_bytes.value_or(0));
        if (most[family] && now <= bytes[family]) continue;
        bytes[family] = now;
        most[family] = config;
      }
      if (most[family]) add(*most[family]);
    }
    for (const Option* option : families_[0]) {
      const Placement& placement = option->config.placement;
      if (uses_no_device(placement) && context.kv_offload == base_.kv_offload) {
        add({placement, context});
      }
    }
    add_mixed(context, kMixed);
  }

  void add_mixed(const ContextSettings& context, int count) {
    const int step = std::max(1, offloadable_ / count);
    for (int layers = 2; layers < offloadable_; layers += step) {
      if (const auto mixed = view_.memory.mixed(layers, context)) add({*mixed, context});
    }
  }

  // A prompt's time is a line in its pieces: where two sizes are known, so are all others.
  [[nodiscard]] std::set<std::uint32_t> sizes() const {
    std::set<std::uint32_t> known;
    for (const Arm& arm : view_.arms.all()) {
      if (arm.cost) known.insert(arm.config.context.n_ubatch);
    }
    known.insert(base_.n_ubatch);
    if (known.size() < 2) return known;
    const std::uint32_t largest =
        view_.rules.is_fixed("n_batch") ? std::min(base_.n_batch, base_.n_ctx) : base_.n_ctx;
    const std::uint32_t now = *known.rbegin();
    const auto smaller = smaller_pieces(now);
    const auto larger = larger_pieces(now, largest, view_.rules.n_prompt());
    known.insert(smaller.begin(), smaller.end());
    known.insert(larger.begin(), larger.end());
    return known;
  }

  [[nodiscard]] std::vector<ContextSettings> contexts() const {
    std::set<bool> offloads = {base_.kv_offload};
    std::set<FlashAttention> attentions = {base_.flash_attn};
    for (const Arm& arm : view_.arms.all()) {
      if (!arm.cost) continue;
      offloads.insert(arm.config.context.kv_offload);
      attentions.insert(arm.config.context.flash_attn);
    }
    std::vector<ContextSettings> all;
    for (const std::uint32_t n_ubatch : sizes()) {
      for (const bool offload : offloads) {
        for (const FlashAttention attention : attentions) {
          ContextSettings memory = base_;
          memory.n_ubatch = n_ubatch;
          memory.kv_offload = offload;
          memory.flash_attn = attention;
          if (!same_memory(memory, base_)) all.push_back(with_memory_of(view_.knobs, memory));
        }
      }
    }
    return all;
  }

  [[nodiscard]] bool memory_was_tried(const Config& config) const {
    const auto& arms = view_.arms.all();
    return std::any_of(arms.begin(), arms.end(), [&](const Arm& arm) {
      return arm.config.placement == config.placement &&
             same_memory(arm.config.context, config.context);
    });
  }

  [[nodiscard]] bool is_closed(const Config& config) const {
    const auto need = view_.memory.of(config);
    return view_.cliffs.is_closed(config.placement, need ? need->vram_bytes : Absence{"not asked"});
  }

  void sort_out() {
    for (std::size_t k = 0; k < field_.points.size(); ++k) {
      const Config& config = field_.points[k];
      const Arm* arm = view_.arms.find(config);
      if (view_.cliffs.is_off(config.placement)) continue;
      if (arm != nullptr) {
        if (arm->may_win()) field_.measured.push_back(k);
      } else if (!memory_was_tried(config) && !is_closed(config) &&
                 view_.memory.may_be_tried(config)) {
        field_.open.push_back(k);
      }
    }
  }

  const View& view_;
  int offloadable_ = 0;
  const ContextSettings& base_;
  std::array<std::vector<const Option*>, kFamilies> families_;
  Field field_;
};

}  // namespace

Field field_of(const View& view) { return FieldMaker(view).make(); }

}  // namespace sweetspot::tune
