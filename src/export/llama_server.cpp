#include "export/llama_server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <variant>

#include "core/knobs.hpp"

namespace sweetspot::exporting {
namespace {

// llama-server picks these by itself where they are not said, and each changes what is allocated.
constexpr std::array<std::string_view, 5> kAlwaysSaid = {"n_gpu_layers", "n_ctx", "n_batch",
                                                         "n_ubatch", "n_parallel"};

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

/// The flag's long name; of a switch the one that sets `on`.
std::string long_flag(const Knob& knob, bool on = true) {
  std::string_view flags = knob.flags;
  while (!flags.empty()) {
    const std::size_t comma = flags.find(',');
    const std::string_view name = flags.substr(0, comma);
    const bool negative = name.starts_with("--no-");
    if (name.starts_with("--") && (!is_switch(knob) || negative != on)) return std::string(name);
    if (comma == std::string_view::npos) break;
    flags.remove_prefix(comma + 1);
  }
  return {};
}

std::string text_of(const KnobValue& value) {
  return std::visit(
      Overloaded{[](bool on) { return std::string(on ? "on" : "off"); },
                 [](std::int64_t number) { return fmt::format("{}", number); },
                 [](const std::string& text) { return text; },
                 [](const auto& list) { return fmt::format("{}", fmt::join(list, ",")); }},
      value);
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-_./:=,+%@").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::vector<std::string> llama_server_arguments(const Config& config, std::string_view model_path) {
  std::vector<std::string> arguments = {"--model", std::string(model_path)};
  const Config defaults;
  for (const Knob& knob : knobs()) {
    const KnobValue value = knob.get(config);
    const bool said =
        std::find(kAlwaysSaid.begin(), kAlwaysSaid.end(), knob.name) != kAlwaysSaid.end();
    if (!said && value == knob.get(defaults)) continue;
    if (const bool* on = std::get_if<bool>(&value)) {
      arguments.push_back(long_flag(knob, *on));
    } else {
      arguments.push_back(long_flag(knob));
      arguments.push_back(text_of(value));
    }
  }
  arguments.insert(arguments.end(), {"--fit", "off"});
  return arguments;
}

std::string shell_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    if (is_plain(argument)) {
      line += argument;
      continue;
    }
    line += '\'';
    for (const char c : argument) line += c == '\'' ? std::string(R"('\'')") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace sweetspot::exporting
