#include "export/llama_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <variant>

#include "core/no_device.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::exporting {
namespace {

// llama-server picks these by itself where they are not said, and each changes what is allocated.
constexpr std::array<std::string_view, 6> kAlwaysSaid = {
    "n_gpu_layers", "n_ctx", "n_batch", "n_ubatch", "n_parallel", "cache_ram_mib"};

SaidKnob said(const Config& config, const Knob& knob) {
  SaidKnob one{&knob, knob.get(config), {}};
  const bool all_layers = knob.name == "n_gpu_layers" && config.placement.n_gpu_layers < 0;
  one.text = all_layers ? "all" : knob_text(one.value);
  return one;
}

}  // namespace

std::string long_flag(const Knob& knob, bool on) {
  for (const std::string_view name : split(knob.flags, ',')) {
    const bool negative = name.starts_with("--no-");
    if (name.starts_with("--") && (!is_switch(knob) || negative != on)) return std::string(name);
  }
  return {};
}

std::string short_flag(const Knob& knob, bool on) {
  const std::string in_full = long_flag(knob, on);
  std::string_view before;  // a short name stands for the next long one
  for (const std::string_view name : split(knob.flags, ',')) {
    if (name == in_full) break;
    before = name;
  }
  return before.empty() || before.starts_with("--") ? in_full : std::string(before);
}

std::vector<SaidKnob> said_knobs(const Config& config) {
  std::vector<SaidKnob> knobs_said;
  const Config defaults;
  for (const Knob& knob : knobs()) {
    const bool always =
        std::find(kAlwaysSaid.begin(), kAlwaysSaid.end(), knob.name) != kAlwaysSaid.end();
    if (always || knob.get(config) != knob.get(defaults)) knobs_said.push_back(said(config, knob));
  }
  return knobs_said;
}

SaidKnob said_knob(const Config& config, std::string_view name) {
  return said(config, *find_knob(name));
}

std::string servers_text(const Config& config, const std::vector<std::string>& rpc) {
  return uses_no_device(config.placement) ? std::string() : fmt::format("{}", fmt::join(rpc, ","));
}

std::vector<std::string> flags_of(const SaidKnob& said) {
  const bool* on = std::get_if<bool>(&said.value);
  std::string flag = long_flag(*said.knob, on == nullptr || *on);
  if (flag.empty()) return {};
  if (on != nullptr) return {std::move(flag)};
  return {std::move(flag), said.text};
}

}  // namespace sweetspot::exporting
