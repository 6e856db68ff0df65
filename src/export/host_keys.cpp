#include "export/host_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/no_device.hpp"
#include "export/llama_names.hpp"

namespace sweetspot::exporting {
namespace {

const HostHabit* habit_of(const Host& host, std::string_view knob) {
  for (const HostHabit& habit : host.habits) {
    if (habit.knob == knob) return &habit;
  }
  return nullptr;
}

// Empty where the host does by itself what the config asks for.
std::string note_of(const Host& host, const Config& config, std::string_view knob) {
  const SaidKnob wanted = said_knob(config, knob);
  const HostHabit* habit = habit_of(host, knob);
  const std::string usual = habit != nullptr && !habit->value.empty()
                                ? std::string(habit->value)
                                : said_knob(Config{}, knob).text;
  if (wanted.text == usual) return {};
  std::string note = fmt::format("{} cannot be told {} = {}", host.name, knob, wanted.text);
  if (habit != nullptr && !habit->hint.empty()) note += fmt::format("; {}", habit->hint);
  return note;
}

// Without these the weights lie elsewhere, and the memory that the profile was chosen by is wrong.
constexpr std::array<std::string_view, 4> kPlacing = {"n_gpu_layers", "n_cpu_moe", "n_cpu_ffn",
                                                      "override_tensor"};

bool has_row(const Host& host, std::string_view knob) {
  return std::any_of(host.keys.begin(), host.keys.end(),
                     [&](const HostKey& row) { return row.knob == knob; });
}

}  // namespace

Result<HostWords> words_of(const Host& host, const ExportJob& job) {
  HostWords words;
  std::string unplaced;
  const auto note = [&](std::string_view knob) {
    std::string text = host.passes_flags ? "" : note_of(host, job.config, knob);
    if (text.empty()) return;
    if (std::find(kPlacing.begin(), kPlacing.end(), knob) != kPlacing.end()) unplaced = text;
    words.notes.push_back(std::move(text));
  };
  for (const HostKey& row : host.keys) {
    std::optional<Json> value = row.write(job);
    if (!value) {
      note(row.knob);
    } else if (!row.key.empty()) {
      words.values.emplace_back(row.key, *std::move(value));
    }
  }
  for (const Knob& knob : knobs()) {
    if (!knob.server_only && !has_row(host, knob.name)) note(knob.name);
  }
  if (!unplaced.empty()) {
    return error(ErrorKind::usage, unplaced + ", and would take other memory without it",
                 "choose another profile by its name, as in --profile fast");
  }
  const std::string servers = servers_text(job.config, job.rpc);
  if (!host.passes_flags && !servers.empty()) {
    words.notes.push_back(fmt::format("{} cannot be told RPC servers ({})", host.name, servers));
  }
  return words;
}

int layers_or_many(const ExportJob& job) {
  constexpr int kMany = 999;
  const int layers = job.config.placement.n_gpu_layers;
  return layers < 0 ? kMany : layers;
}

std::optional<Json> if_positive(int value) {
  if (value <= 0) return std::nullopt;
  return value;
}

std::optional<Json> no_device_is_said(const ExportJob& job) {
  if (!uses_no_device(job.config.placement)) return std::nullopt;
  return true;
}

std::optional<Json> flash_attention_switch(const ExportJob& job) {
  return job.config.context.flash_attn != FlashAttention::off;
}

}  // namespace sweetspot::exporting
