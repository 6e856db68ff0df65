#include "export/host_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

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

bool has_row(const Host& host, std::string_view knob) {
  return std::any_of(host.keys.begin(), host.keys.end(),
                     [&](const HostKey& row) { return row.knob == knob; });
}

}  // namespace

HostWords words_of(const Host& host, const ExportJob& job) {
  HostWords words;
  const auto note = [&](std::string_view knob) {
    if (std::string text = note_of(host, job.config, knob); !text.empty()) {
      words.notes.push_back(std::move(text));
    }
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
    if (!has_row(host, knob.name)) note(knob.name);
  }
  if (!host.knows_rpc && !job.rpc.empty()) {
    words.notes.push_back(
        fmt::format("{} cannot be told RPC servers ({})", host.name, fmt::join(job.rpc, ", ")));
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

std::optional<Json> flash_attention_switch(const ExportJob& job) {
  return job.config.context.flash_attn != FlashAttention::off;
}

}  // namespace sweetspot::exporting
