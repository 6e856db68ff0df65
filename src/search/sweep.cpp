#include "search/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/config.hpp"
#include "core/no_device.hpp"
#include "search/hang.hpp"

namespace sweetspot::search {
namespace {

constexpr std::size_t kHangsThatStop = 2;

void add_request(std::vector<SweepPoint>& points, int request, int layers, bool cpu_alone) {
  auto same = std::find_if(points.begin(), points.end(), [&](const SweepPoint& point) {
    return point.layers == layers && point.cpu_alone == cpu_alone;
  });
  if (same == points.end()) {
    same = points.insert(points.end(), SweepPoint{layers, cpu_alone, {}, std::nullopt});
  }
  auto& requests = same->requested_layers;
  if (std::find(requests.begin(), requests.end(), request) == requests.end()) {
    requests.push_back(request);
  }
}

}  // namespace

Sweep::Sweep(const std::vector<int>& requested, int offloadable) {
  for (const int request : requested) {
    const int layers = effective_layers(request, std::max(offloadable, 0));
    if (layers == 0) add_request(points_, request, layers, /*cpu_alone=*/true);
    if (offloadable > 0) add_request(points_, request, layers, /*cpu_alone=*/false);
  }
  std::stable_sort(points_.begin(), points_.end(),
                   [](const SweepPoint& a, const SweepPoint& b) { return a.layers < b.layers; });
}

std::optional<SweepPoint> Sweep::ask() const {
  if (next_ == points_.size()) {
    if (!reference_is_due()) return std::nullopt;
    SweepPoint reference = points_.front();
    reference.reason = "anew: it is the reference, and others slowed it down";
    return reference;
  }
  SweepPoint point = points_[next_];
  if (hung_in_a_row_.size() >= kHangsThatStop) point.not_tried = why_not_tried();
  return point;
}

// It has the fewest layers of all; where the device hung meanwhile it is left alone.
bool Sweep::reference_is_due() const {
  return reference_is_spoiled_ && !reference_came_again_ && hung_in_a_row_.size() < kHangsThatStop;
}

void Sweep::tell(const Trial& trial) {
  if (next_ == points_.size()) {
    reference_came_again_ = true;
    return;
  }
  const SweepPoint& asked = points_[next_];
  if (trial.layers != asked.layers || uses_no_device(trial.config.placement) != asked.cpu_alone) {
    return;
  }
  if (asked.cpu_alone) {
    reference_is_spoiled_ =
        trial.uncertain() || (trial.measured() && (trial.is(Disturbance::contended) ||
                                                   trial.is(Disturbance::throttled)));
  }
  ++next_;
  if (hung_in_a_row_.size() >= kHangsThatStop) return;
  if (trial.failure && is_hang(trial.failure->failure_class)) {
    hung_in_a_row_.push_back(trial.layers);
    last_hang_ = trial.failure->failure_class;
  } else {
    hung_in_a_row_.clear();
  }
}

Failure Sweep::why_not_tried() const {
  Failure failure;
  failure.failure_class = last_hang_;
  failure.phase = Phase::start;
  failure.message = fmt::format(
      "not tried: the device hung or was lost with {} layers and again with {}, and more layers "
      "ask more of it",
      hung_in_a_row_[0], hung_in_a_row_[1]);
  return failure;
}

}  // namespace sweetspot::search
