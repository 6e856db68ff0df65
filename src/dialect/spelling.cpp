#include "dialect/spelling.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>
#include <variant>

#include "core/no_device.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::dialect {
namespace {

// Said at their defaults too: these have moved between builds, or a config file beneath the flags
// may have set them.
constexpr std::array<std::string_view, 13> kAlwaysSaid = {
    "n_gpu_layers", "n_ctx",         "n_batch",          "n_ubatch",   "type_k",
    "type_v",       "flash_attn",    "n_parallel",       "kv_unified", "kv_offload",
    "load_mode",    "cache_ram_mib", "n_ctx_checkpoints"};

// A build that cannot be told these does what the default says, or keeps less of it.
constexpr std::array<std::string_view, 2> kNothingWithoutFlag = {"cache_ram_mib",
                                                                 "n_ctx_checkpoints"};

struct OlderNames {
  std::string_view knob;
  std::string_view names;
};

// Spellings that the table of knobs does not have any more.
constexpr std::array<OlderNames, 1> kOlderNames = {{{"n_ctx_checkpoints", "--swa-checkpoints"}}};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// -nkvo, --no-kv-offload, -no-kvu: no name that switches on begins so.
bool switches_off(std::string_view name) {
  const std::size_t letter = name.find_first_not_of('-');
  return letter != std::string_view::npos && name[letter] == 'n';
}

using Counts = bool (*)(std::string_view name);

bool any_name(std::string_view /*name*/) { return true; }
bool switches_on(std::string_view name) { return !switches_off(name); }

// Of comma separated names the one to write: a long one that it knows, else a short one.
std::string_view known_name(const Abilities& abilities, std::string_view names, Counts counts) {
  std::string_view best;
  for (const std::string_view name : split(names, ',')) {
    if (!counts(name) || !abilities.knows(name)) continue;
    if (best.empty() || (name.starts_with("--") && !best.starts_with("--"))) best = name;
  }
  return best;
}

std::string_view name_of(const Abilities& abilities, const Knob& knob, Counts counts = any_name) {
  std::string_view name = known_name(abilities, knob.flags, counts);
  for (const OlderNames& older : kOlderNames) {
    if (name.empty() && older.knob == knob.name) {
      name = known_name(abilities, older.names, counts);
    }
  }
  return name;
}

// "--n-cpu-ffn", for a sentence.
std::string long_name(const Knob& knob) {
  std::string_view shown;
  for (const std::string_view name : split(knob.flags, ',')) {
    if (shown.empty() || (name.starts_with("--") && !shown.starts_with("--"))) shown = name;
  }
  return std::string(shown);
}

Spelling lacking(const Knob& knob, std::string_view text) {
  return {{}, fmt::format("it has no {} (wanted: {})", long_name(knob), text)};
}

Spelling spell_switch(const Abilities& abilities, const Knob& knob, bool on, bool is_default) {
  const std::string_view name = name_of(abilities, knob, on ? switches_on : switches_off);
  if (!name.empty()) return {{std::string(name)}, {}};
  return is_default ? Spelling{} : lacking(knob, on ? "on" : "off");
}

// With a value since build 6325, before that a switch that is off unless it is given.
Spelling spell_flash_attention(const Abilities& abilities, const Knob& knob, const Config& config) {
  const std::string_view name = name_of(abilities, knob);
  const std::string text = knob_text(knob.get(config));
  if (name.empty()) {
    return config.context.flash_attn == FlashAttention::on ? lacking(knob, text) : Spelling{};
  }
  if (!abilities.help.find(name)->takes.empty()) {
    // ik_llama.cpp's "on" is what others call auto: used where the model allows it.
    const bool auto_is_on = abilities.family == Family::ik_llama_cpp;
    const bool automatic = config.context.flash_attn == FlashAttention::automatic;
    return {{std::string(name), automatic && auto_is_on ? "on" : text}, {}};
  }
  if (config.context.flash_attn == FlashAttention::on) return {{std::string(name)}, {}};
  return {};
}

// Before build 10105 a switch for each, mapping being the default.
Spelling spell_old_load_mode(const Abilities& abilities, const Knob& knob, LoadMode mode) {
  struct Row {
    LoadMode mode;
    std::initializer_list<std::string_view> flags;
  };
  static const std::array<Row, 6> kRows = {{{LoadMode::automatic, {}},
                                            {LoadMode::mmap, {}},
                                            {LoadMode::none, {"--no-mmap"}},
                                            {LoadMode::mlock, {"--no-mmap", "--mlock"}},
                                            {LoadMode::mmap_mlock, {"--mlock"}},
                                            {LoadMode::direct_io, {"--direct-io"}}}};
  Spelling spelling;
  for (const Row& row : kRows) {
    if (row.mode != mode) continue;
    for (const std::string_view flag : row.flags) {
      if (!abilities.knows(flag)) return lacking(knob, to_string(mode));
      spelling.words.emplace_back(flag);
    }
  }
  return spelling;
}

Spelling spell_load_mode(const Abilities& abilities, const Knob& knob, LoadMode mode) {
  const std::string_view name = name_of(abilities, knob);
  if (name.empty()) return spell_old_load_mode(abilities, knob, mode);
  const std::string text(to_string(mode));
  if (abilities.help.find(name)->offers(text)) return {{std::string(name), text}, {}};
  return mode == LoadMode::automatic ? Spelling{} : lacking(knob, text);
}

// -1 meant none, all or as many as fit in different builds; a large number has always meant all.
Spelling spell_layers(const Abilities& abilities, const Knob& knob, int layers) {
  const std::string_view name = name_of(abilities, knob);
  if (name.empty()) return layers == 0 ? Spelling{} : lacking(knob, std::to_string(layers));
  if (layers >= 0) return {{std::string(name), std::to_string(layers)}, {}};
  const bool word = abilities.help.find(name)->text.find("'all'") != std::string::npos;
  return {{std::string(name), word ? "all" : "999"}, {}};
}

// Before build 4167 nobody could name devices. Layers are said: with none of them on a device that
// is as near to the processor alone as such a build comes.
Spelling spell_devices(const Abilities& abilities, const Knob& knob, const Config& config) {
  const std::string text = knob_text(knob.get(config));
  const std::string_view name = name_of(abilities, knob);
  if (!name.empty()) return {{std::string(name), text}, {}};
  return uses_no_device(config.placement) ? Spelling{} : lacking(knob, text);
}

// A word out of a list that the help gives.
Spelling spell_word(const Abilities& abilities, const Knob& knob, std::string text) {
  const std::string_view name = name_of(abilities, knob);
  if (name.empty() || !abilities.help.find(name)->offers(text)) return lacking(knob, text);
  return {{std::string(name), std::move(text)}, {}};
}

// Early builds had only the switch for all blocks.
Spelling spell_cpu_moe(const Abilities& abilities, const Knob& knob, int blocks) {
  constexpr int kAllBlocks = 512;
  const std::string_view name = name_of(abilities, knob);
  if (!name.empty()) return {{std::string(name), std::to_string(blocks)}, {}};
  if (blocks >= kAllBlocks && abilities.knows("--cpu-moe")) return {{"--cpu-moe"}, {}};
  return lacking(knob, std::to_string(blocks));
}

Spelling spell_value(const Abilities& abilities, const Knob& knob, const Config& config,
                     bool is_default) {
  const std::string_view name = name_of(abilities, knob);
  const std::string text = knob_text(knob.get(config));
  if (!name.empty()) return {{std::string(name), text}, {}};
  const bool nothing = is_default || holds(kNothingWithoutFlag, knob.name);
  return nothing ? Spelling{} : lacking(knob, text);
}

// Comma separated spellings, and what follows the one that is known.
struct ExtraRow {
  Extra extra;
  std::string_view names;
  std::string_view value;  ///< "=" = the caller's; empty = none
  bool needed;             ///< without it the server cannot be used
};

constexpr std::array<ExtraRow, 8> kExtras = {{{Extra::model, "--model,-m", "=", true},
                                              {Extra::host, "--host", "=", true},
                                              {Extra::port, "--port", "=", true},
                                              {Extra::api_key, "--api-key", "=", true},
                                              {Extra::rpc, "--rpc", "=", true},
                                              {Extra::no_ui, "--no-ui,--no-webui", "", false},
                                              {Extra::slots, "--slots", "", false},
                                              {Extra::offline, "--offline", "", false}}};

Spelling spell_row(const Abilities& abilities, const ExtraRow& row, std::string_view value) {
  for (const std::string_view name : split(row.names, ',')) {
    if (!abilities.knows(name)) continue;
    Spelling spelling{{std::string(name)}, {}};
    if (row.value == "=") spelling.words.emplace_back(value);
    return spelling;
  }
  if (!row.needed) return {};
  return {{}, fmt::format("it has no {}", split(row.names, ',').front())};
}

// A flag with one value, only where the help says that it takes one: ik_llama.cpp's --fit is a
// switch that nothing turns off, and it is off unless it is given.
Spelling spell_if_valued(const Abilities& abilities, std::string_view name, std::string value) {
  const HelpFlag* flag = abilities.help.find(name);
  if (flag == nullptr || flag->takes.empty()) return {};
  return {{std::string(name), std::move(value)}, {}};
}

// Build 9151 moved the sizes of buffers from "info" to "trace"; earlier levels show them unasked.
Spelling spell_buffer_lines(const Abilities& abilities) {
  for (const std::string_view name : {"--verbosity", "--log-verbosity", "-lv"}) {
    const HelpFlag* flag = abilities.help.find(name);
    if (flag != nullptr && flag->text.find("4: trace") != std::string::npos) {
      return {{std::string(name), "4"}, {}};
    }
  }
  return {};
}

}  // namespace

Spelling spell(const Abilities& abilities, const Knob& knob, const Config& config) {
  const bool is_default = knob.get(config) == knob.get(Config{});
  if (is_default && !holds(kAlwaysSaid, knob.name)) return {};
  const KnobValue value = knob.get(config);
  if (const bool* on = std::get_if<bool>(&value)) {
    return spell_switch(abilities, knob, *on, is_default);
  }
  if (knob.name == "n_gpu_layers") {
    return spell_layers(abilities, knob, config.placement.n_gpu_layers);
  }
  if (knob.name == "flash_attn") return spell_flash_attention(abilities, knob, config);
  if (knob.name == "load_mode") {
    return spell_load_mode(abilities, knob, config.placement.load_mode);
  }
  if (knob.name == "devices") return spell_devices(abilities, knob, config);
  if (knob.name == "n_cpu_moe") return spell_cpu_moe(abilities, knob, config.placement.n_cpu_moe);
  if (knob.name == "split_mode" || knob.name == "pooling") {
    return spell_word(abilities, knob, knob_text(value));
  }
  return spell_value(abilities, knob, config, is_default);
}

ConfigWords spell_config(const Abilities& abilities, const Config& config) {
  ConfigWords all;
  for (const Knob& knob : knobs()) {
    Spelling one = spell(abilities, knob, config);
    all.words.insert(all.words.end(), one.words.begin(), one.words.end());
    if (!one.lacks.empty()) all.lacks.push_back(std::move(one.lacks));
  }
  return all;
}

CommandWords spell_command(const Abilities& abilities, const Config& config,
                           std::string_view model_path, const std::vector<std::string>& rpc) {
  CommandWords all;
  const auto say = [&all](Spelling spelling, const Knob* knob, std::string_view flags) {
    if (!spelling.words.empty()) all.said.push_back({std::move(spelling.words), knob, flags});
    if (!spelling.lacks.empty()) all.lacks.push_back(std::move(spelling.lacks));
  };
  say(spell(abilities, Extra::model, model_path), nullptr, "-m,--model");
  // A server looks devices up as it reads: servers come before the devices that are theirs.
  if (!rpc.empty() && !uses_no_device(config.placement)) {
    say(spell(abilities, Extra::rpc, fmt::format("{}", fmt::join(rpc, ","))), nullptr, "--rpc");
  }
  for (const Knob& knob : knobs()) say(spell(abilities, knob, config), &knob, {});
  say(spell(abilities, Extra::no_fit), nullptr, "-fit,--fit");
  return all;
}

std::vector<std::string_view> knobs_lacked(const Abilities& abilities) {
  std::vector<std::string_view> lacked;
  for (const Knob& knob : knobs()) {
    const bool old_load_mode = knob.name == "load_mode" && abilities.knows("--no-mmap");
    if (name_of(abilities, knob).empty() && !old_load_mode) lacked.push_back(knob.name);
  }
  return lacked;
}

Spelling spell(const Abilities& abilities, Extra extra, std::string_view value) {
  if (extra == Extra::no_fit) return spell_if_valued(abilities, "--fit", "off");
  if (extra == Extra::buffer_lines) return spell_buffer_lines(abilities);
  if (extra == Extra::no_ui && abilities.family == Family::ik_llama_cpp) {
    return spell_if_valued(abilities, "--webui", "none");
  }
  for (const ExtraRow& row : kExtras) {
    if (row.extra == extra) return spell_row(abilities, row, value);
  }
  return {};
}

}  // namespace sweetspot::dialect
