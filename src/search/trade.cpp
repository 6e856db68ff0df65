#include "search/trade.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "search/context_prices.hpp"
#include "search/tune_words.hpp"

namespace sweetspot::search {
namespace {

// Mixed placements per context that are looked at.
constexpr int kMixed = 24;

// How much an earlier trade says of another one: all where both context and kind of placement are
// the same, less where one of them is not. It is weighed against the model, which counts as much as
// kModelWeight trades: predictions for one context are wrong alike.
constexpr double kOtherContext = 0.3;
constexpr double kOtherKind = 0.4;
constexpr double kModelWeight = 0.3;

// How far off a promise may be, as one standard deviation: of a context and kind of placement that
// no trade has tried, and of one that a trade has. On pretended machines the first trade of a tune
// was off by 3 %, the second of its kind by 1 %.
constexpr double kUntried = 0.025;
constexpr double kTried = 0.01;

// What is gained on average where what is promised has an error (expected improvement: Jones,
// Schonlau and Welch 1998), all as shares.
double expected_gain(double promised, double sd) {
  const double z = promised / sd;
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  return promised * 0.5 * std::erfc(-z / std::numbers::sqrt2) + sd * density;
}

struct Candidate {
  Config config;
  std::size_t point = 0;  ///< of the expected times
  std::size_t price = 0;
};

int blocks_on_device(const Placement& placement) { return std::max(0, placement.n_gpu_layers - 1); }

// Where weights lie: all on one side by layers, or split within blocks.
bool is_split(const Placement& placement) { return kept_on_cpu(placement) > 0; }

bool same_memory(const ContextSettings& a, const ContextSettings& b) {
  return a.n_ubatch == b.n_ubatch && a.kv_offload == b.kv_offload && a.flash_attn == b.flash_attn;
}

class Trades {
 public:
  Trades(const PlacementView& view, const Config& walked)
      : view_(view),
        prices_(prices_of(view.arms.all(), walked, view.baseline.context, view.rules,
                          blocks_on_device(walked.placement))) {
    for (const TuneOption& option : view.memory.options()) {
      if (option.config.context == view.baseline.context) add_point(option.config.placement);
    }
    const std::size_t whole = points_.size();
    for (std::size_t price = 0; price < prices_.size(); ++price) {
      for (std::size_t point = 0; point < whole; ++point) add_candidate(point, price);
      const int offloadable = view.costs.shape().offloadable();
      for (int layers = 2; layers < offloadable; layers += std::max(1, offloadable / kMixed)) {
        const auto mixed = view.memory.mixed(layers, prices_[price].context);
        if (mixed) add_candidate(add_point(*mixed), price);
      }
    }
    for (const Arm& arm : view.arms.all()) {
      const std::size_t price = price_of(arm.config.context);
      if (price >= prices_.size() || !arm.cost || arm.config.placement == walked.placement)
        continue;
      if (arm.config.context == view.baseline.context) continue;  // the time model knows it
      seen_.push_back({{arm.config, add_point(arm.config.placement), price}, arm.cost->value});
    }
    times_ = view.costs.expected(view.arms.all(), points_);
    if (const Arm* end = view.arms.find(walked); end != nullptr && end->cost && !times_.empty()) {
      unit_ = end->cost->value / view.costs.weigh(times_of(*end));
    }
  }

  // The one that gains most on average over `now`, where that is worth a load.
  [[nodiscard]] std::optional<Config> best_over(double now) const {
    if (times_.empty()) return std::nullopt;
    std::optional<Config> chosen;
    double most = kWorthALoad;
    for (const Candidate& candidate : candidates_) {
      const double promised = 1 - predicted(candidate) * correction(candidate) / now;
      const double gain = expected_gain(promised, was_tried(candidate) ? kTried : kUntried);
      if (gain <= most) continue;
      most = gain;
      chosen = candidate.config;
    }
    return chosen;
  }

  [[nodiscard]] std::optional<double> promised(const Config& config) const {
    const auto found = std::find_if(candidates_.begin(), candidates_.end(),
                                    [&](const Candidate& one) { return one.config == config; });
    if (found == candidates_.end() || times_.empty()) return std::nullopt;
    return predicted(*found) * correction(*found);
  }

 private:
  struct Seen {
    Candidate what;
    double cost = 0;
  };

  std::size_t add_point(const Placement& placement) {
    const auto found = std::find(points_.begin(), points_.end(), placement);
    if (found != points_.end()) return static_cast<std::size_t>(found - points_.begin());
    points_.push_back(placement);
    return points_.size() - 1;
  }

  // A context that nobody asked the memory of is no ground for another placement; one that takes
  // what was tried there already spends nothing new.
  void add_candidate(std::size_t point, std::size_t price) {
    Config config{points_[point], prices_[price].context};
    if (!view_.memory.of(config) || !view_.memory.may_be_tried(config)) return;
    const auto& arms = view_.arms.all();
    const bool tried = std::any_of(arms.begin(), arms.end(), [&](const Arm& arm) {
      return arm.config.placement == config.placement &&
             same_memory(arm.config.context, config.context);
    });
    if (!tried) candidates_.push_back({std::move(config), point, price});
  }

  [[nodiscard]] std::size_t price_of(const ContextSettings& context) const {
    const auto found = std::find_if(prices_.begin(), prices_.end(), [&](const ContextPrice& price) {
      return price.context == context;
    });
    return static_cast<std::size_t>(found - prices_.begin());
  }

  [[nodiscard]] double predicted(const Candidate& candidate) const {
    const PassTimes times = prices_[candidate.price].at(
        times_[candidate.point], blocks_on_device(candidate.config.placement));
    return unit_ * view_.costs.weigh(times);
  }

  // With the base context everything was: the time model has seen it.
  [[nodiscard]] bool was_tried(const Candidate& candidate) const {
    if (candidate.config.context == view_.baseline.context) return true;
    return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& seen) {
      return same_memory(seen.what.config.context, candidate.config.context) &&
             is_split(seen.what.config.placement) == is_split(candidate.config.placement);
    });
  }

  // What trades before this one took, against what was promised.
  [[nodiscard]] double correction(const Candidate& candidate) const {
    double sum = 0;
    double weights = kModelWeight;
    for (const Seen& seen : seen_) {
      double weight = 1;
      if (!same_memory(seen.what.config.context, candidate.config.context)) weight *= kOtherContext;
      if (is_split(seen.what.config.placement) != is_split(candidate.config.placement)) {
        weight *= kOtherKind;
      }
      sum += weight * std::log(seen.cost / predicted(seen.what));
      weights += weight;
    }
    return std::exp(sum / weights);
  }

  const PlacementView& view_;
  std::vector<ContextPrice> prices_;
  std::vector<Placement> points_;
  std::vector<Candidate> candidates_;
  std::vector<Seen> seen_;
  std::vector<PassTimes> times_;
  double unit_ = 1;  ///< of the cost (joules, say) per millisecond
};

}  // namespace

std::optional<TuneStep> next_trade(const PlacementView& view, const Config& walked) {
  const Arm* now = view.arms.cheapest();
  if (now == nullptr) return std::nullopt;
  const auto chosen = Trades(view, walked).best_over(now->cost->value);
  if (!chosen) return std::nullopt;
  return TuneStep{
      *chosen,
      placement_title(chosen->placement) + context_title(chosen->context, view.baseline.context),
      "spends on weights what another context saves"};
}

std::optional<double> promised_cost(const PlacementView& view, const Config& walked,
                                    const Config& config) {
  return Trades(view, walked).promised(config);
}

}  // namespace sweetspot::search
