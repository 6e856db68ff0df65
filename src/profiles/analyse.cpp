#include "profiles/analyse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/no_device.hpp"
#include "profiles/decided.hpp"
#include "profiles/ranking.hpp"
#include "profiles/recommendable.hpp"
#include "profiles/robust_line.hpp"
#include "profiles/spill.hpp"

namespace sweetspot::profiles {
namespace {

bool is_safe(const Trial& trial, const Bands& bands) {
  if (!trial.vram_percent) return is_cpu_alone(trial);
  return *trial.vram_percent <= bands.performance_percent;
}

std::vector<std::size_t> safe_trials(const std::vector<Trial>& trials, const Bands& bands) {
  std::vector<std::size_t> safe;
  const auto objected = objections(trials);
  for (std::size_t index = 0; index < trials.size(); ++index) {
    if (objected[index].empty() && is_safe(trials[index], bands)) safe.push_back(index);
  }
  return safe;
}

/// The fastest of the trials that tell a speed and that `wanted` accepts.
template <typename Wanted>
std::optional<std::size_t> fastest_where(const std::vector<Trial>& trials, Wanted wanted) {
  std::optional<std::size_t> fastest;
  for (std::size_t index = 0; index < trials.size(); ++index) {
    if (!trials[index].conclusive() || !wanted(trials[index])) continue;
    if (!fastest || speed_of(trials[index]).value > speed_of(trials[*fastest]).value)
      fastest = index;
  }
  return fastest;
}

bool is_slowed_down(const Trial& trial) {
  return trial.is(Disturbance::contended) || trial.is(Disturbance::throttled);
}

std::string why_no_reference(const std::vector<Trial>& trials) {
  const bool uncertain = std::any_of(trials.begin(), trials.end(), [](const Trial& trial) {
    return is_cpu_alone(trial) && trial.uncertain();
  });
  return uncertain ? "the speed with 0 layers is too uncertain" : "0 layers were not measured";
}

Reading<double> speed_up(const std::vector<Trial>& trials, std::optional<std::size_t> optimum) {
  if (!optimum) return Absence{"no measured configuration is safe"};
  const auto on_cpu = is_cpu_alone;
  auto cpu = fastest_where(
      trials, [&](const Trial& trial) { return on_cpu(trial) && !is_slowed_down(trial); });
  if (!cpu) cpu = fastest_where(trials, on_cpu);
  if (!cpu) return Absence{why_no_reference(trials)};
  // Compared with a reference that somebody slowed down, every trial would look faster.
  const Trial& reference = trials[*cpu];
  if (is_slowed_down(reference) && !is_slowed_down(trials[*optimum])) {
    return Absence{fmt::format("0 layers were measured while {}",
                               reference.is(Disturbance::contended)
                                   ? "other programs took the machine's time"
                                   : "the device was throttled")};
  }
  return speed_of(trials[*optimum]).value / speed_of(trials[*cpu]).value;
}

Reading<double> bytes_per_layer(const std::vector<Trial>& trials) {
  std::vector<Point> points;
  std::string missing;
  for (const Trial& trial : trials) {
    if (!trial.measured() || trial.layers < 1) continue;
    if (trial.vram_used_bytes) {
      points.push_back(
          {static_cast<double>(trial.layers), static_cast<double>(*trial.vram_used_bytes)});
    } else {
      missing = trial.vram_used_bytes.reason();
    }
  }
  const auto line = robust_line(points);
  if (line && line->slope > 0) return line->slope;
  if (line) return Absence{"memory does not grow with the layers"};
  if (!missing.empty()) return Absence{missing};
  return Absence{"needs two layer counts above 0"};
}

/// Time per token by layers: one point per layer count (its fastest trial), ascending.
std::vector<Point> time_curve(const std::vector<Trial>& trials) {
  const std::vector<bool> spill = spilled(trials);
  std::vector<Point> curve;
  for (std::size_t index = 0; index < trials.size(); ++index) {
    const Trial& trial = trials[index];
    if (!trial.conclusive() || spill[index] || speed_of(trial).value <= 0) continue;
    curve.push_back({static_cast<double>(trial.layers), 1 / speed_of(trial).value});
  }
  std::sort(curve.begin(), curve.end(), [](const Point& a, const Point& b) {
    return a.x < b.x || (!(b.x < a.x) && a.y < b.y);
  });
  const auto same_layers = [](const Point& a, const Point& b) { return !(a.x < b.x); };
  curve.erase(std::unique(curve.begin(), curve.end(), same_layers), curve.end());
  return curve;
}

/// Whether any single layer between two measured counts gains kWorthwhileGain of speed. Time falls
/// by the same step with each, so the last one, with the least time left, gains most.
bool is_worthwhile(const Point& from, const Point& to) {
  const double step = (from.y - to.y) / (to.x - from.x);
  return step / to.y >= kWorthwhileGain;
}

Reading<int> diminishing_after(const std::vector<Trial>& trials) {
  const std::vector<Point> curve = time_curve(trials);
  if (curve.size() < 2) return Absence{"needs two measured layer counts"};
  std::size_t last = curve.size() - 1;
  while (last > 0 && !is_worthwhile(curve[last - 1], curve[last])) --last;
  const int layers = static_cast<int>(curve[last].x);
  if (last + 1 < curve.size()) return layers;
  return Absence{fmt::format("up to {} layers the last one still gains {:g} % or more", layers,
                             kWorthwhileGain * 100)};
}

Reading<double> temperature_rise(const std::vector<Trial>& trials) {
  std::optional<double> first;
  std::optional<double> hottest;
  for (const Trial& trial : trials) {
    const Telemetry& seen = trial.telemetry;
    if (seen.temperature_start_c && !first) first = *seen.temperature_start_c;
    if (seen.temperature_max_c) {
      hottest = std::max(hottest.value_or(*seen.temperature_max_c), *seen.temperature_max_c);
    }
  }
  if (first && hottest) return *hottest - *first;
  if (trials.empty()) return Absence{"nothing was measured"};
  const Telemetry& seen = trials.front().telemetry;
  if (!seen.temperature_start_c) return Absence{seen.temperature_start_c.reason()};
  return Absence{"not read while the work ran"};
}

}  // namespace

Analysis analyse(const std::vector<Trial>& trials, const Bands& bands,
                 const std::vector<Decision>& decided) {
  Analysis analysis;
  if (auto ranking = rank_as_decided(trials, safe_trials(trials, bands), decided, "optimum")) {
    analysis.optimum = ranking->chosen;
    analysis.tied_with_optimum = std::move(ranking->tied);
  }
  analysis.fastest = fastest_where(trials, [](const Trial&) { return true; });
  analysis.speed_up_over_cpu = speed_up(trials, analysis.optimum);
  analysis.vram_bytes_per_layer = bytes_per_layer(trials);
  analysis.diminishing_after_layers = diminishing_after(trials);
  analysis.temperature_rise_c = temperature_rise(trials);
  return analysis;
}

}  // namespace sweetspot::profiles
