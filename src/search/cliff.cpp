#include "search/cliff.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "search/time_model.hpp"

namespace sweetspot::search {
namespace {

// Where only the CPU alone and one count on the device are known, there is no line to hold a third
// one against: so much slower than the second it must be. So much above a bend a jump lies.
constexpr double kPlainlySlower = 0.1;

// The fastest of those on a device that plainly beat the CPU alone.
const KnownCount* best_on_device(const std::vector<KnownCount>& below, double tolerance) {
  const KnownCount* best = nullptr;
  std::optional<Estimate> cpu;
  for (const KnownCount& one : below) {
    const Estimate ms = one.ms();
    if (one.layers == 0) {
      cpu = ms;
      continue;
    }
    if (cpu && (ms.high >= cpu->low || ms.value >= (1 - tolerance) * cpu->value)) continue;
    if (best == nullptr || ms.value < best->ms().value) best = &one;
  }
  return best;
}

Estimate expected(const LayerShape& shape, const std::vector<KnownCount>& below, int layers) {
  std::vector<Observation> seen;
  double scale_ms = 0;
  for (const KnownCount& one : below) {
    for (const Estimate& ms : one.loads) {
      seen.push_back({shape.features(one.layers), ms.value, sd_of(ms)});
      scale_ms = std::max(scale_ms, ms.value);
    }
  }
  return TimeModel::fit(shape.prior(scale_ms), seen, {shape.features(layers)}).predict(0);
}

}  // namespace

Estimate together(const std::vector<Estimate>& loads) {
  Estimate all = loads.front();
  double sum = 0;
  for (const Estimate& ms : loads) {
    sum += ms.value;
    all.low = std::min(all.low, ms.low);
    all.high = std::max(all.high, ms.high);
  }
  all.value = sum / static_cast<double>(loads.size());
  return all;
}

Estimate KnownCount::ms() const { return together(loads); }

bool falls_off(const LayerShape& shape, const std::vector<KnownCount>& below,
               const KnownCount& count, double tolerance) {
  const KnownCount* best = best_on_device(below, tolerance);
  if (best == nullptr) return false;
  const Estimate ms = count.ms();
  const Estimate fastest = best->ms();
  if (ms.value <= (1 + tolerance) * fastest.value || ms.low <= fastest.high) return false;
  if (below.size() < 3) return ms.value > (1 + kPlainlySlower) * fastest.value;
  return ms.low > (1 + tolerance) * expected(shape, below, count.layers).high;
}

bool is_bend(const KnownCount& good, const std::vector<KnownCount>& off) {
  if (off.size() < 2) return false;
  const double from = good.ms().value;
  const double share =
      static_cast<double>(off.front().layers - good.layers) / (off.back().layers - good.layers);
  const double straight = from + share * (off.back().ms().value - from);
  return off.front().ms().value <= (1 + kPlainlySlower) * straight;
}

std::optional<int> middle_of(const Gap& gap, const std::vector<int>& open) {
  std::optional<int> nearest;
  const int middle = gap.good + (gap.bad - gap.good) / 2;
  for (const int layers : open) {
    if (layers <= gap.good || layers >= gap.bad) continue;
    if (!nearest || std::abs(layers - middle) < std::abs(*nearest - middle)) nearest = layers;
  }
  return nearest;
}

}  // namespace sweetspot::search
