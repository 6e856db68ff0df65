#include "search/cliff.hpp"

#include <algorithm>
#include <cstdlib>

namespace sweetspot::search {
namespace {

// Where only the CPU alone and one count on the device are known, there is no line to hold a third
// one against: so much slower than the second it must be. So much above a bend a jump lies.
constexpr double kPlainlySlower = 0.1;

// The fastest of those on a device that plainly beat the CPU alone.
std::optional<Estimate> best_on_device(const std::vector<KnownSpeed>& below, double tolerance) {
  std::optional<Estimate> best;
  std::optional<Estimate> cpu;
  for (const KnownSpeed& one : below) {
    if (!one.on_device) cpu = one.ms();
  }
  for (const KnownSpeed& one : below) {
    if (!one.on_device) continue;
    const Estimate ms = one.ms();
    if (cpu && (ms.high >= cpu->low || ms.value >= (1 - tolerance) * cpu->value)) continue;
    if (!best || ms.value < best->value) best = ms;
  }
  return best;
}

Estimate expected(const PriorOf& prior, const std::vector<KnownSpeed>& below, const Features& at) {
  std::vector<Observation> seen;
  double scale_ms = 0;
  for (const KnownSpeed& one : below) {
    for (const Estimate& ms : one.loads) {
      seen.push_back({one.at, ms.value, sd_of(ms)});
      scale_ms = std::max(scale_ms, ms.value);
    }
  }
  return TimeModel::fit(prior(scale_ms), seen, {at}).predict(0);
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

Estimate KnownSpeed::ms() const { return together(loads); }

bool falls_off(const PriorOf& prior, const std::vector<KnownSpeed>& below, const KnownSpeed& one,
               double tolerance) {
  const auto fastest = best_on_device(below, tolerance);
  if (!fastest) return false;
  const Estimate ms = one.ms();
  if (ms.value <= (1 + tolerance) * fastest->value || ms.low <= fastest->high) return false;
  if (below.size() < 3) return ms.value > (1 + kPlainlySlower) * fastest->value;
  return ms.low > (1 + tolerance) * expected(prior, below, one.at).high;
}

bool is_bend(const CountMs& good, const std::vector<CountMs>& off) {
  if (off.size() < 2) return false;
  const double share =
      static_cast<double>(off.front().layers - good.layers) / (off.back().layers - good.layers);
  const double straight = good.ms + share * (off.back().ms - good.ms);
  return off.front().ms <= (1 + kPlainlySlower) * straight;
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
