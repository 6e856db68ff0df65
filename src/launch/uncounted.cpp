#include "launch/uncounted.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "core/text.hpp"

namespace sweetspot::launch {
namespace {

// Knobs that allocate nothing.
constexpr std::array<std::string_view, 2> kOfTimeOnly = {"n_threads", "n_threads_batch"};

bool is_off(std::string_view value) {
  return value == "off" || value == "0" || value == "false" || value == "disabled";
}

// A value that llama.cpp would refuse is left for llama.cpp to refuse.
bool differs(const Knob& knob, std::string_view text, const Config& config) {
  if (std::find(kOfTimeOnly.begin(), kOfTimeOnly.end(), knob.name) != kOfTimeOnly.end()) {
    return false;
  }
  Config changed = config;
  return knob.set(changed, text) && changed != config;
}

// Values that switch such a flag off change no memory.
bool counts(FlagKind kind, std::string_view value) {
  if (kind == FlagKind::fit && is_off(value)) return false;
  if (kind == FlagKind::draft && (value == "none" || value.starts_with("ngram"))) return false;
  return changes_memory(kind);
}

// What a variable, or a line of a config file, is about. Both are nullptr where it is not ours.
struct Meant {
  const Knob* knob = nullptr;
  const ServerFlag* flag = nullptr;
  std::string text;
};

Meant meant_by_variable(std::string_view name, const std::string& text) {
  for (const Knob& knob : knobs()) {
    if (!knob.environment.empty() && knob.environment == name) return {&knob, nullptr, text};
  }
  for (const ServerFlag& flag : server_flags()) {
    if (!flag.environment.empty() && flag.environment == name) return {nullptr, &flag, text};
  }
  return {};
}

// A config file's key is a flag without its dashes, or a variable.
Meant meant_by_key(const Variable& line) {
  for (const char* dashes : {"--", "-"}) {
    const ServerArgument argument = {dashes + line.name, find_knob_of_flag(dashes + line.name),
                                     find_server_flag(dashes + line.name)};
    if (argument.knob != nullptr && is_switch(*argument.knob)) {
      const bool on = (argument.knob_text() == "on") != is_off(line.value);
      return {argument.knob, nullptr, on ? "on" : "off"};
    }
    if (argument.knob != nullptr) return {argument.knob, nullptr, line.value};
    if (argument.flag != nullptr) return {nullptr, argument.flag, line.value};
  }
  return meant_by_variable(line.name, line.value);
}

// llama.cpp reads LLAMA_ARG_NO_X, whatever it is, as "off" for X.
Meant meaning_of(const Variable& variable) {
  if (!variable.file.empty()) return meant_by_key(variable);
  constexpr std::string_view kNo = "LLAMA_ARG_NO_";
  Meant meant = meant_by_variable(variable.name, variable.value);
  if (meant.knob != nullptr || meant.flag != nullptr || !variable.name.starts_with(kNo)) {
    return meant;
  }
  return meant_by_variable("LLAMA_ARG_" + variable.name.substr(kNo.size()), "off");
}

bool is_uncounted(const Meant& meant, const Config& config) {
  if (meant.knob != nullptr) return differs(*meant.knob, meant.text, config);
  if (meant.flag->values == 0 && is_off(meant.text)) return false;
  if (meant.flag->kind == FlagKind::shorthand) {
    return differs(*find_knob(meant.flag->knob), meant.flag->text, config);
  }
  return counts(meant.flag->kind, meant.text);
}

std::string shown(const ServerArgument& argument) {
  std::string text = argument.name;
  for (const std::string& value : argument.values) text += " " + value;
  return printable(text);
}

bool is_uncounted(const ServerArgument& argument, const Config& config,
                  const std::string& model_path, const std::vector<std::string>& rpc) {
  if (const Knob* knob = argument.sets()) return differs(*knob, argument.knob_text(), config);
  if (argument.flag == nullptr) return false;
  const std::string value = argument.values.empty() ? std::string() : argument.values.back();
  if (argument.flag->kind == FlagKind::model) return value != model_path;
  if (argument.flag->kind == FlagKind::servers) {
    return value != fmt::format("{}", fmt::join(rpc, ","));
  }
  return counts(argument.flag->kind, value);
}

std::string listed(const std::vector<std::string>& items) {
  if (items.size() < 2) return items.empty() ? std::string() : items.front();
  return fmt::format("{} and {}", fmt::join(items.begin(), items.end() - 1, ", "), items.back());
}

std::string sentence_of(const std::vector<std::string>& items,
                        const std::vector<std::string>& unknown, const std::string& profile) {
  std::vector<std::string> clauses;
  if (!items.empty()) {
    const bool one = items.size() == 1;
    clauses.push_back(fmt::format(
        "{} change{} memory and {} not in the figures of the profile {}: measure profiles with the "
        "same settings, or keep room with --reserve",
        listed(items), one ? "s" : "", one ? "is" : "are", printable(profile)));
  }
  if (!unknown.empty()) {
    clauses.push_back(fmt::format("whether {} change{} memory is not known here", listed(unknown),
                                  unknown.size() == 1 ? "s" : ""));
  }
  return fmt::format("{}", fmt::join(clauses, "; "));
}

}  // namespace

std::vector<std::string> uncounted_variables(
    const std::vector<Variable>& environment, const Config& config,
    const std::function<bool(const Knob* knob, const ServerFlag* flag)>& is_said) {
  std::vector<std::string> names;
  for (const Variable& variable : environment) {
    const Meant meant = meaning_of(variable);
    if (meant.knob == nullptr && meant.flag == nullptr) continue;
    if (is_said(meant.knob, meant.flag) || !is_uncounted(meant, config)) continue;
    names.push_back(printable(variable.name + "=" + variable.value));
    if (!variable.file.empty()) names.back() += " (in " + printable(variable.file) + ")";
  }
  return names;
}

std::string uncounted(const Program& program, const SavedProfile& profile,
                      const std::string& model_path, const std::vector<std::string>& rpc,
                      const std::vector<Variable>& environment) {
  if (program.kind == ProgramKind::other) return {};
  const Config& config = profile.config;
  const auto command = command_for(program, profile, model_path, rpc, {});
  if (!command) return {};
  const auto told = read_server_arguments(std::span(*command).subspan(1));
  const auto is_said = [&](const Knob* knob, const ServerFlag* flag) {
    return std::any_of(told.begin(), told.end(), [&](const ServerArgument& each) {
      return knob != nullptr ? each.sets() == knob : each.flag == flag;
    });
  };
  std::vector<std::string> items;
  std::vector<std::string> unknown;
  for (const ServerArgument& argument : read_server_arguments(std::span(program.argv).subspan(1))) {
    if (is_uncounted(argument, config, model_path, rpc)) items.push_back(shown(argument));
    if (argument.knob == nullptr && argument.flag == nullptr) unknown.push_back(shown(argument));
  }
  for (std::string& name : uncounted_variables(environment, config, is_said)) {
    items.push_back(std::move(name));
  }
  return sentence_of(items, unknown, profile.name);
}

}  // namespace sweetspot::launch
