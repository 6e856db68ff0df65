#include "plan/answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "ground/bytes.hpp"
#include "plan/context_step.hpp"

namespace sweetspot::plan {
namespace {

/// Bytes to spare on each device and on the host; negative where they are missing.
std::vector<double> headroom(const PlannedMemory& planned, const Budgets& budgets) {
  std::vector<double> spare;
  for (const DeviceFit& device : fit_of(planned, budgets).devices) {
    spare.push_back(static_cast<double>(device.budget_bytes) -
                    static_cast<double>(device.needed_bytes));
  }
  const DeviceMemory* const host = find_device(planned.memory, kHostDeviceId);
  if (host != nullptr && budgets.host.available_bytes) {
    spare.push_back(static_cast<double>(*budgets.host.available_bytes) -
                    static_cast<double>(minus(host->total_bytes(), host->mapped_bytes)));
  }
  return spare;
}

/// The largest context between one that fits and one that does not, in steps of 256 tokens.
class ContextSearch {
 public:
  ContextSearch(const Config& config, const Budgets& budgets, const MapSource& source)
      : config_(config), budgets_(budgets), source_(source) {}

  /// Asks in one call and moves the ends.
  Status ask(const std::set<std::uint32_t>& steps) {
    std::vector<Config> configs;
    for (const std::uint32_t step : steps) {
      configs.push_back(config_);
      configs.back().context.n_ctx = step * kContextStep;
    }
    const auto answers = source_(configs);
    if (!answers) return tl::unexpected(answers.error());
    if (answers->size() != configs.size()) {
      return error(ErrorKind::internal, fmt::format("{} memory maps came back for {} configs",
                                                    answers->size(), configs.size()));
    }
    std::size_t i = 0;
    for (const std::uint32_t step : steps) {
      const PlannedMemory& planned = (*answers)[i++];
      End end{step, headroom(planned, budgets_)};
      if (fit_of(planned, budgets_).fits) {
        if (!fits_ || step > fits_->step) fits_ = std::move(end);
      } else if (!fits_not_ || step < fits_not_->step) {
        fits_not_ = std::move(end);
        break;  // contexts beyond it are not looked at, even if one should fit again
      }
    }
    return {};
  }

  [[nodiscard]] bool found() const {
    return !fits_ || !fits_not_ || fits_not_->step - fits_->step <= 1;
  }
  [[nodiscard]] std::optional<std::uint32_t> n_ctx() const {
    if (!fits_) return std::nullopt;
    return fits_->step * kContextStep;
  }

  /// Where the memory would run out if it grew in a straight line, which it does but for rounding
  /// and windows, and quarters for where it does not. Requires !found().
  [[nodiscard]] std::set<std::uint32_t> candidates() const {
    const std::uint32_t low = fits_->step;
    const std::uint32_t width = fits_not_->step - low;
    const auto line = static_cast<std::uint32_t>(std::floor(where_it_ends() * width));
    std::set<std::uint32_t> steps;
    for (const std::uint32_t offset :
         {line, line + 1, width / 4, width / 2, width / 2 + width / 4}) {
      if (offset > 0 && offset < width) steps.insert(low + offset);
    }
    return steps;
  }

 private:
  struct End {
    std::uint32_t step = 0;
    std::vector<double> headroom;
  };

  /// As a share of the way from the context that fits to the one that does not.
  [[nodiscard]] double where_it_ends() const {
    double share = 1;
    if (fits_not_->headroom.size() != fits_->headroom.size()) return share;
    for (std::size_t i = 0; i < fits_->headroom.size(); ++i) {
      const double spare = fits_->headroom[i];
      const double missing = -fits_not_->headroom[i];
      if (missing > 0 && spare >= 0) share = std::min(share, spare / (spare + missing));
    }
    return share;
  }

  const Config& config_;
  const Budgets& budgets_;
  const MapSource& source_;
  std::optional<End> fits_;
  std::optional<End> fits_not_;
};

/// Each device the maps speak of is such a card, and there is host memory enough.
Budgets cards(const Grid& grid, std::uint64_t total_bytes, double percent,
              std::uint64_t reserve_bytes, const DriverShare& share) {
  std::set<std::string> ids;
  for (const PlannedMemory& cell : grid.cells) {
    for (const DeviceMemory& device : cell.memory) ids.insert(device.id);
  }
  ids.erase(kHostDeviceId);
  Budgets budgets;
  budgets.host.available_bytes = Absence{"planned for another machine"};
  for (const std::string& id : ids) {
    budgets.devices.push_back(card_budget(id, total_bytes, percent, reserve_bytes, share));
  }
  return budgets;
}

int largest_count(const Grid& grid, std::size_t types, std::size_t context,
                  const Budgets& budgets) {
  const auto index = largest_layers(grid, types, context, budgets);
  return index ? grid.axes.layers[*index] : -1;
}

/// Remembers what it was told: the classes ask about the same contexts.
class Remembering {
 public:
  explicit Remembering(const MapSource& source) : source_(source) {}

  Result<std::vector<PlannedMemory>> ask(const std::vector<Config>& configs) {
    std::vector<Config> unknown;
    for (const Config& config : configs) {
      if (find(config) == nullptr) unknown.push_back(config);
    }
    if (!unknown.empty()) {
      auto answers = source_(unknown);
      if (!answers || answers->size() != unknown.size()) return answers;
      for (std::size_t i = 0; i < unknown.size(); ++i) {
        known_.emplace_back(unknown[i], std::move((*answers)[i]));
      }
    }
    std::vector<PlannedMemory> all;
    all.reserve(configs.size());
    for (const Config& config : configs) all.push_back(*find(config));
    return all;
  }

 private:
  [[nodiscard]] const PlannedMemory* find(const Config& config) const {
    for (const auto& [asked, answer] : known_) {
      if (asked == config) return &answer;
    }
    return nullptr;
  }

  const MapSource& source_;
  std::vector<std::pair<Config, PlannedMemory>> known_;
};

}  // namespace

std::optional<std::size_t> largest_layers(const Grid& grid, std::size_t types, std::size_t context,
                                          const Budgets& budgets) {
  for (std::size_t layers = grid.axes.layers.size(); layers-- > 0;) {
    if (fit_of(grid.at(types, context, layers), budgets).fits) return layers;
  }
  return std::nullopt;
}

Result<std::optional<std::uint32_t>> largest_context(const Config& config, std::uint32_t n_ctx_max,
                                                     const Budgets& budgets,
                                                     const MapSource& source) {
  const std::uint32_t most = n_ctx_max / kContextStep;
  if (most == 0) return std::nullopt;
  ContextSearch search(config, budgets, source);
  if (const Status status = search.ask({1, most}); !status) return tl::unexpected(status.error());
  while (!search.found()) {
    if (const Status status = search.ask(search.candidates()); !status) {
      return tl::unexpected(status.error());
    }
  }
  return search.n_ctx();
}

Result<std::vector<ClassFit>> fit_classes(const Grid& grid, const ClassQuestion& question,
                                          const MapSource& source) {
  std::vector<ClassFit> fits;
  if (grid.axes.layers.empty()) return fits;
  Remembering remembering(source);
  const MapSource remembered = [&](const std::vector<Config>& configs) {
    return remembering.ask(configs);
  };
  const std::size_t types = question.types;
  const std::size_t context = question.context;
  const auto& bands = question.bands_percent;
  const Config all_layers = config_at(grid.axes, types, context, grid.axes.layers.size() - 1);
  for (const int gib : kVramClasses) {
    const auto budgets = [&](double percent) {
      return cards(grid, static_cast<std::uint64_t>(gib) * kGiB, percent, question.reserve_bytes,
                   question.share);
    };
    ClassFit fit;
    fit.class_gib = gib;
    fit.fast_layers = largest_count(grid, types, context, budgets(bands[0]));
    fit.balanced_layers = largest_count(grid, types, context, budgets(bands[1]));
    const Budgets most = budgets(bands[2]);
    fit.performance_layers = largest_count(grid, types, context, most);
    const auto longest = largest_context(all_layers, question.n_ctx_max, most, remembered);
    if (!longest) return tl::unexpected(longest.error());
    fit.all_layers_n_ctx = longest->value_or(0);
    fits.push_back(fit);
  }
  return fits;
}

}  // namespace sweetspot::plan
