// What llama.cpp's own programs are told, before anybody spells it: shared by flags, environment,
// presets, and the hosts that pass flags on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/knobs.hpp"

namespace sweetspot::exporting {

/// The knob's long flag; of a switch the one that sets `on`. Empty where there is none.
std::string long_flag(const Knob& knob, bool on = true);

/// Its short flag, as people type it: "-c" of "-c,--ctx-size"; the long one where there is none.
std::string short_flag(const Knob& knob, bool on = true);

struct SaidKnob {
  const Knob* knob = nullptr;
  KnobValue value;
  std::string text;  ///< of the value; "all" for a negative number of layers
};

/// Every knob that differs from llama.cpp's own default or decides memory.
std::vector<SaidKnob> said_knobs(const Config& config);

/// One knob, whether it differs or not.
SaidKnob said_knob(const Config& config, std::string_view name);

/// `rpc` as --rpc takes it; empty where the config uses no device ("--device none"): then no server
/// is asked for its devices.
std::string servers_text(const Config& config, const std::vector<std::string>& rpc);

/// The flags of one: {"--ctx-size", "4096"}, {"--no-kv-offload"}. Empty where llama.cpp has no flag
/// for the value, which is its default then.
std::vector<std::string> flags_of(const SaidKnob& said);

}  // namespace sweetspot::exporting
