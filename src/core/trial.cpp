#include "core/trial.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/no_device.hpp"

namespace sweetspot {
namespace {

Estimate scaled(const Estimate& one, double factor) {
  return {one.value * factor, one.low * factor, one.high * factor};
}

Estimate sum(const Estimate& a, const Estimate& b) {
  const double value = a.value + b.value;
  return {value, value - std::hypot(a.value - a.low, b.value - b.low),
          value + std::hypot(a.high - a.value, b.high - b.value)};
}

}  // namespace

double tokens_per_second_by_all_time(const Speed& speed) {
  double tokens = 0;
  double seconds = 0;
  for (std::size_t i = speed.warm_up_cut; i < speed.raw.size(); ++i) {
    tokens += speed.raw[i].tokens;
    seconds += speed.raw[i].duration_ms / 1e3;
  }
  return seconds > 0 ? tokens / seconds : 0;
}

Reading<Estimate> Trial::request_ms() const {
  if (!measured()) return Absence{"it was not measured"};
  if (!generation) return Absence{"the model only reads"};
  const Estimate answer = scaled(generation->ms_per_token, workload.n_gen);
  if (workload.n_prompt == 0) return answer;
  if (!prompt) return Absence{"its prompt was not measured"};
  return sum(scaled(prompt->ms_per_token, workload.n_prompt), answer);
}

// The device is not named where it is all that is shared, which is the usual case.
std::string label_of(const Trial& trial, Disturbance disturbance) {
  std::string label(to_string(disturbance));
  if (disturbance != Disturbance::contended || !trial.shares(Contended::processor)) return label;
  if (trial.shares(Contended::device)) label += ", device";
  return label + ", processor";
}

std::string layer_count(int layers) {
  return fmt::format("{} layer{}", layers, layers == 1 ? "" : "s");
}

std::string placed_in_words(const Trial& trial) {
  return uses_no_device(trial.config.placement) ? kCpuAloneTitle : layer_count(trial.layers);
}

std::string name_of(const Trial& trial) {
  return trial.title.empty() ? placed_in_words(trial) : trial.title;
}

}  // namespace sweetspot
