// What a run says of layer counts: speed and memory, measured and predicted told apart.
#include <fmt/format.h>

#include <algorithm>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "ground/bytes.hpp"
#include "page/figures_of_run.hpp"
#include "page/texts.hpp"

namespace sweetspot::page {
namespace {

constexpr const char* kMeasured = "measured";
constexpr const char* kPredicted = "predicted";
constexpr const char* kCpuAlone = "the CPU alone";
constexpr double kBeside = 0.15;  // of the distance between two trials

Mark mark_of(const char* series, int layers, const Estimate& speed, const std::string& name) {
  return {series,      static_cast<double>(layers),
          speed.value, speed.low,
          speed.high,  fmt::format("{}: {} tok/s", name, with_interval(speed))};
}

const char* series_of(const Trial& trial) {
  return uses_no_device(trial.config.placement) ? kCpuAlone : kMeasured;
}

Figure speed_by_layers(const Run& run, std::optional<Speed> Trial::*which) {
  Figure figure;
  figure.chart = axes("layers on the device", "tokens per second");
  figure.table.columns = {"trial", "layers", "tokens per second (95 %)", "samples",
                          "measuring ended by"};
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Trial& trial = run.results[i];
    const std::optional<Speed>& speed = trial.*which;
    if (!trial.measured() || !speed) continue;
    figure.chart->marks.push_back(
        mark_of(series_of(trial), trial.layers, speed->tokens_per_second, trial_name(run, i)));
    figure.table.rows.push_back({fmt::format("{}", i), name_of(trial), speed_of(speed),
                                 fmt::format("{}", speed->samples),
                                 std::string(to_string(speed->stop_reason))});
  }
  return figure;
}

void add_predictions(const Run& run, Figure& figure) {
  if (!run.sweep) return;
  for (const CurvePoint& point : run.sweep->curve) {
    const std::optional<Estimate> speed = per_second(point.generation_ms);
    if (point.standing == Standing::measured) continue;
    figure.table.rows.push_back(
        {std::string(kNothing), fmt::format("{} layers", point.layers),
         speed ? with_interval(*speed) : std::string(kNothing), std::string(kNothing),
         point.note.empty() ? std::string(to_string(point.standing)) : point.note});
    if (speed && point.standing == Standing::predicted) {
      figure.chart->marks.push_back(mark_of(kPredicted, point.layers, *speed,
                                            fmt::format("{} layers, predicted", point.layers)));
    }
  }
}

struct Account {
  const char* name;
  std::optional<std::uint64_t> bytes;
};

std::vector<Account> accounts_of(const Trial& trial) {
  std::vector<Account> accounts(3);
  accounts[0] = {"predicted",
                 trial.predicted ? std::optional(offloaded_bytes(*trial.predicted)) : std::nullopt};
  accounts[1] = {"allocated", trial.memory.empty() ? std::nullopt
                                                   : std::optional(offloaded_bytes(trial.memory))};
  accounts[2] = {"the driver saw",
                 trial.driver_rise_bytes ? std::optional(*trial.driver_rise_bytes) : std::nullopt};
  return accounts;
}

std::string bytes_or_nothing(const std::optional<std::uint64_t>& bytes) {
  return bytes ? format_bytes(*bytes) : std::string(kNothing);
}

void add_bands(const Bands& bands, Chart& chart) {
  chart.stripes = {{0, bands.fast_percent, "fast"},
                   {bands.fast_percent, bands.balanced_percent, "balanced"},
                   {bands.balanced_percent, bands.performance_percent, "performance"}};
  chart.rules = {{100, "the card's limit"}};
}

}  // namespace

Figure generation_speed(const Run& run) {
  Figure figure = speed_by_layers(run, &Trial::generation);
  figure.id = "generation-speed";
  figure.title = "Generation speed by layers";
  figure.caption =
      "Filled points were measured, hollow ones are predicted; lines are 95 % intervals.";
  add_predictions(run, figure);
  return figure;
}

Figure prompt_speed(const Run& run) {
  Figure figure = speed_by_layers(run, &Trial::prompt);
  figure.id = "prompt-speed";
  figure.title = "Prompt speed by layers";
  return figure;
}

Figure memory_in_use(const Run& run) {
  Figure figure;
  figure.id = "memory";
  figure.title = "Device memory by layers";
  figure.caption =
      "Per cent of the fullest device, what other programs use included. Stripes are the bands of "
      "the profiles.";
  figure.chart = axes("layers on the device", "% of device memory");
  add_bands(run.settings.bands, *figure.chart);
  figure.table.columns = {"layers", "of this model", "% in use", "known from"};
  const auto add = [&](const char* series, int layers, const Reading<std::uint64_t>& bytes,
                       const Reading<double>& percent, const std::string& source) {
    if (!bytes && !percent) return;
    const std::string size = shown(bytes, format_bytes);
    figure.table.rows.push_back({fmt::format("{}", layers), size, shown(percent, number), source});
    if (!percent) return;
    figure.chart->marks.push_back(
        {series,
         static_cast<double>(layers),
         *percent,
         {},
         {},
         fmt::format("{} layers: {:.0f} % ({})", layers, *percent, size)});
  };
  for (const Trial& trial : run.results) {
    if (!trial.measured()) continue;
    add(series_of(trial), trial.layers, trial.vram_used_bytes, trial.vram_percent,
        trial.vram_source.empty() ? "nobody" : trial.vram_source);
  }
  if (!run.sweep) return figure;
  for (const CurvePoint& point : run.sweep->curve) {
    if (point.standing == Standing::measured) continue;
    add(kPredicted, point.layers, point.vram_bytes, point.vram_percent, "llama.cpp, not loaded");
  }
  return figure;
}

Figure memory_accounts(const Run& run) {
  Figure figure;
  figure.id = "memory-accounts";
  figure.title = "Device memory: predicted, allocated, observed";
  figure.caption =
      "What llama.cpp said before loading, what it then took, and what the driver saw.";
  figure.chart = axes("trial", "GiB");
  figure.table.columns = {"trial", "predicted", "allocated", "the driver saw"};
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const std::vector<Account> accounts = accounts_of(run.results[i]);
    if (!accounts[0].bytes && !accounts[1].bytes && !accounts[2].bytes) continue;
    std::vector<std::string> row = {trial_name(run, i)};
    double beside = -kBeside;  // equal values would hide each other
    for (const Account& account : accounts) {
      const double x = static_cast<double>(i) + beside;
      beside += kBeside;
      row.push_back(bytes_or_nothing(account.bytes));
      if (!account.bytes) continue;
      figure.chart->marks.push_back(
          {account.name,
           x,
           gib_of(*account.bytes),
           {},
           {},
           fmt::format("{}, {}: {}", trial_name(run, i), account.name, row.back())});
    }
    figure.table.rows.push_back(std::move(row));
  }
  return figure;
}

}  // namespace sweetspot::page
