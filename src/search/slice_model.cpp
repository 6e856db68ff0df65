#include "search/slice_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "core/text.hpp"
#include "search/layer_shape.hpp"

namespace sweetspot::search {
namespace {

/// Rows that any slice keeps: enough for a matrix product that is not all overhead.
constexpr std::uint32_t kFewestRows = 256;

/// A slice whose added blocks read this much more or less than the model's mean is no worse than
/// one that reads the mean exactly: below it more blocks are worth more.
constexpr double kAlike = 0.02;

/// Blocks after which the kind of attention repeats, as llama.cpp 0.7.0 sets it for architectures
/// whose files do not say (set_swa_pattern, full_attention_interval in its llama-model.cpp). A
/// slice must begin where a period does: llama.cpp gives a block its kind by its number.
constexpr std::array<std::pair<std::string_view, int>, 9> kPeriods = {{{"gemma2", 2},
                                                                       {"gemma3", 6},
                                                                       {"gemma3n", 5},
                                                                       {"cohere2", 4},
                                                                       {"exaone4", 4},
                                                                       {"gpt-oss", 2},
                                                                       {"llama4", 4},
                                                                       {"qwen3next", 4},
                                                                       {"qwen35moe", 4}}};

int period_of(const std::string& architecture) {
  for (const auto& [name, period] : kPeriods) {
    if (name == architecture) return period;
  }
  return 1;
}

using BlockClass = std::pair<std::uint64_t, std::uint64_t>;

BlockClass class_of(const LayerSize& layer) { return {layer.bytes, layer.expert_bytes}; }

std::size_t classes_among(const ModelInfo& model, int first, int count) {
  std::map<BlockClass, int> seen;
  for (int i = first; i < first + count; ++i) {
    ++seen[class_of(model.layers[static_cast<std::size_t>(i)])];
  }
  return seen.size();
}

double read_by(const ModelInfo& model, int first, int count) {
  double sum = 0;
  for (int i = first; i < first + count; ++i) {
    sum += read_bytes(model, model.layers[static_cast<std::size_t>(i)]);
  }
  return sum;
}

std::uint64_t weights_of(const ModelInfo& model, int first, int count) {
  std::uint64_t sum = 0;
  for (int i = first; i < first + count; ++i) {
    sum += model.layers[static_cast<std::size_t>(i)].bytes;
  }
  return sum;
}

/// Embeddings and output of one token, as weights. Norms outside the blocks count with them.
double bytes_per_row(const ModelInfo& model) {
  return static_cast<double>(model.non_layer_bytes) / model.n_vocab;
}

std::uint32_t rows_within(const ModelInfo& model, double bytes) {
  const double rows = bytes / std::max(1.0, bytes_per_row(model));
  return static_cast<std::uint32_t>(std::clamp<double>(rows, 0, model.n_vocab));
}

/// A choice of blocks, before rows are chosen.
struct Window {
  int first = 0;
  int small = 0;
  int large = 0;
  double unlike = 0;  ///< how far the added blocks' mean is from the model's, relative
};

struct Limits {
  double budget_bytes = 0;
  double least_read_bytes = 0;
};

/// The smallest slice from `first` that is believed; 0 where none is.
int smallest_from(const ModelInfo& model, int first, int period, const Limits& limits) {
  const std::size_t all_classes = classes_among(model, 0, model.n_layer);
  for (int count = period; first + count <= model.n_layer; count += period) {
    // llama.cpp cannot run a hybrid of one kind of blocks only.
    const bool complete = !model.hybrid || classes_among(model, first, count) == all_classes;
    if (complete && read_by(model, first, count) >= limits.least_read_bytes) return count;
  }
  return 0;
}

std::optional<Window> window_from(const ModelInfo& model, int first, int period,
                                  const Limits& limits) {
  const int small = smallest_from(model, first, period, limits);
  if (small == 0) return std::nullopt;
  const double for_blocks = limits.budget_bytes - kFewestRows * bytes_per_row(model);
  int large = small;
  while (first + large + period <= model.n_layer &&
         static_cast<double>(weights_of(model, first, large + period)) <= for_blocks) {
    large += period;
  }
  if (large == small) return std::nullopt;
  const double mean = read_by(model, 0, model.n_layer) / model.n_layer;
  const double added = read_by(model, first + small, large - small) / (large - small);
  return Window{first, small, large, std::abs(added / mean - 1)};
}

bool better(const Window& a, const Window& b) {
  const bool alike = std::max(a.unlike, b.unlike) <= kAlike;
  if (!alike && a.unlike != b.unlike) return a.unlike < b.unlike;
  return a.large - a.small > b.large - b.small;
}

std::optional<Window> best_window(const ModelInfo& model, int period, const Limits& limits) {
  std::optional<Window> best;
  for (int first = 0; first < model.n_layer; first += period) {
    const auto window = window_from(model, first, period, limits);
    if (window && (!best || better(*window, *best))) best = window;
  }
  return best;
}

Absence no_window(const ModelInfo& model, const Limits& limits, const SliceRules& rules) {
  return {fmt::format(
      "no two slices of this model read more than {} per token (so that the CPU's cache does not "
      "hold them) and hold at most {:.0f} % of its {}",
      format_bytes(static_cast<std::uint64_t>(limits.least_read_bytes)), rules.largest_share * 100,
      format_bytes(model.size_bytes))};
}

std::vector<std::string> notes_on(const ModelInfo& model, const Window& window, int period) {
  std::vector<std::string> notes;
  const std::size_t classes = classes_among(model, 0, model.n_layer);
  if (classes > 1) {
    notes.push_back(fmt::format(
        "its {} blocks are of {} sizes; each counts by the bytes that a token reads of it, and the "
        "blocks measured ({} to {}) have {} of these sizes",
        model.n_layer, classes, window.first, window.first + window.large - 1,
        classes_among(model, window.first, window.large)));
  }
  if (period < period_of(model.architecture)) {
    notes.push_back(fmt::format(
        "the kind of attention repeats every {} blocks and the slices hold no whole period: at "
        "depth, where kinds differ in time, the prediction leaves that out",
        period_of(model.architecture)));
  }
  return notes;
}

/// Rows for the small and the large slice, and for the third one, by what the blocks leave.
void choose_rows(SlicePlan& plan, const ModelInfo& model, double budget) {
  const auto left = [&](const SliceSize& size) {
    return budget - static_cast<double>(weights_of(model, size.first_block, size.blocks));
  };
  const auto all = static_cast<std::uint32_t>(model.n_vocab);
  const std::uint32_t common =
      std::clamp(rows_within(model, left(plan.large)), std::min(kFewestRows, all), all);
  plan.small.vocab_rows = plan.large.vocab_rows = common;
  if (common == all) return;
  plan.rows = plan.small;
  plan.rows->vocab_rows = std::max(rows_within(model, left(plan.small)), common + 1);
}

std::uint64_t weights_of(const ModelInfo& model, const SliceSize& size) {
  return weights_of(model, size.first_block, size.blocks) +
         static_cast<std::uint64_t>(size.vocab_rows * bytes_per_row(model));
}

/// Cost of one byte of blocks, of one row, and the rest, from the slices in one kind of place.
struct Line {
  double per_byte = 0;
  double per_row = 0;
  double rest = 0;
};

Line line_through(const ModelInfo& model, const SlicePlan& plan, const SliceTimes& times) {
  const double small = read_by(model, plan.small.first_block, plan.small.blocks);
  const double large = read_by(model, plan.large.first_block, plan.large.blocks);
  Line line;
  line.per_byte = (times.large - times.small) / (large - small);
  if (plan.rows) {
    line.per_row = (times.rows - times.small) / (plan.rows->vocab_rows - plan.small.vocab_rows);
  }
  line.rest = times.small - small * line.per_byte - plan.small.vocab_rows * line.per_row;
  return line;
}

struct Lines {
  Line cpu;
  Line device;
  double mixed_rest = 0;
};

Lines lines_of(const ModelInfo& model, const SlicePlan& plan, const MeasuredSlices& measured) {
  Lines lines;
  lines.cpu = line_through(model, plan, measured.cpu);
  if (!measured.device) return lines;
  lines.device = line_through(model, plan, *measured.device);
  const int on_device = mixed_blocks(plan);
  const int on_cpu = plan.large.blocks - on_device;
  const int first = plan.large.first_block;
  lines.mixed_rest = measured.mixed - plan.large.vocab_rows * lines.device.per_row -
                     read_by(model, first, on_cpu) * lines.cpu.per_byte -
                     read_by(model, first + on_cpu, on_device) * lines.device.per_byte;
  return lines;
}

}  // namespace

Reading<SlicePlan> plan_slices(const ModelInfo& model, const Reading<std::uint64_t>& cache_bytes,
                               const SliceRules& rules) {
  if (!cache_bytes) {
    return Absence{"the size of the CPU's cache is not known (" + cache_bytes.reason() + ")"};
  }
  if (model.n_vocab <= 0 || model.layers.empty()) {
    return Absence{"the model does not tell its blocks and vocabulary"};
  }
  // A thousandth for the norms outside the blocks, which no cut makes smaller.
  const Limits limits{static_cast<double>(model.size_bytes) * rules.largest_share * 0.999,
                      static_cast<double>(*cache_bytes) * rules.times_cache};
  int period = period_of(model.architecture);
  auto window = best_window(model, period, limits);
  if (!window) window = best_window(model, period = 1, limits);
  if (!window) return no_window(model, limits, rules);

  SlicePlan plan;
  plan.small = {window->first, window->small, 0};
  plan.large = {window->first, window->large, 0};
  choose_rows(plan, model, limits.budget_bytes);
  plan.model_bytes = model.size_bytes;
  plan.largest_bytes =
      std::max(weights_of(model, plan.large), plan.rows ? weights_of(model, *plan.rows) : 0);
  plan.small_read_bytes =
      static_cast<std::uint64_t>(read_by(model, plan.small.first_block, plan.small.blocks));
  plan.cache_bytes = *cache_bytes;
  plan.notes = notes_on(model, *window, period);
  return plan;
}

int mixed_blocks(const SlicePlan& plan) { return std::max(1, plan.large.blocks / 2); }

SliceCosts costs_of(const ModelInfo& model, const SlicePlan& plan, const MeasuredSlices& measured) {
  const Lines lines = lines_of(model, plan, measured);
  const double mean = read_by(model, 0, model.n_layer) / model.n_layer;
  const double rows = plan.rows ? model.n_vocab : 0;
  return {lines.cpu.per_byte * mean,
          lines.cpu.per_row * rows,
          lines.cpu.rest,
          lines.device.per_byte * mean,
          lines.device.per_row * rows,
          lines.device.rest,
          lines.mixed_rest};
}

std::vector<double> times_by_layers(const ModelInfo& model, const SlicePlan& plan,
                                    const MeasuredSlices& measured) {
  const Lines lines = lines_of(model, plan, measured);
  const int n = model.n_layer;
  const double all = read_by(model, 0, n);
  const auto at_least_nothing = [](double ms) { return std::max(0.0, ms); };
  std::vector<double> times = {at_least_nothing(lines.cpu.rest + model.n_vocab * lines.cpu.per_row +
                                                all * lines.cpu.per_byte)};
  if (!measured.device) return times;
  const double output = model.n_vocab * lines.device.per_row;
  for (int layers = 1; layers <= n; ++layers) {
    const double on_cpu = read_by(model, 0, n - (layers - 1));
    times.push_back(at_least_nothing(lines.mixed_rest + output + on_cpu * lines.cpu.per_byte +
                                     (all - on_cpu) * lines.device.per_byte));
  }
  times.push_back(at_least_nothing(lines.device.rest + output + all * lines.device.per_byte));
  return times;
}

}  // namespace sweetspot::search
