#include "search/sweep_state.hpp"

#include <algorithm>

namespace sweetspot::search {

const SweepRow* SweepState::row_of(std::size_t candidate) const {
  const auto found = rows.find(candidates[candidate].layers);
  return found == rows.end() ? nullptr : &found->second;
}

bool SweepState::is_usable(std::size_t candidate) const {
  const SweepRow* row = row_of(candidate);
  return row != nullptr && row->is_usable();
}

bool SweepState::is_open(std::size_t candidate) const {
  const LayerCandidate& asked = candidates[candidate];
  const bool is_closed = closed.from && asked.layers >= *closed.from;
  return asked.why_not.empty() && !is_closed && row_of(candidate) == nullptr;
}

// What a driver takes beyond llama.cpp's buffers shows in measured rows; what nobody measured is
// moved by as much.
Reading<double> SweepState::percent_of(std::size_t candidate) const {
  const LayerCandidate& asked = candidates[candidate];
  const SweepRow* row = row_of(candidate);
  if (row != nullptr && row->vram_percent) return row->vram_percent;
  if (!asked.vram_percent || asked.layers == 0) return asked.vram_percent;
  double beyond = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const SweepRow* other = row_of(i);
    if (candidates[i].layers == 0 || other == nullptr) continue;
    if (!other->vram_percent || !candidates[i].vram_percent) continue;
    beyond = std::max(beyond, *other->vram_percent - *candidates[i].vram_percent);
  }
  return *asked.vram_percent + beyond;
}

std::optional<std::size_t> SweepState::band_of(std::size_t candidate) const {
  const Bands& bands = rules.bands;
  const Reading<double> used = percent_of(candidate);
  if (!used && candidates[candidate].layers > 0) return std::nullopt;
  const double percent = used.value_or(0);
  if (percent > bands.performance_percent) return std::nullopt;
  return percent < bands.fast_percent ? 0 : (percent < bands.balanced_percent ? 1 : 2);
}

std::vector<Contest> SweepState::contests() const {
  std::vector<Contest> all = {
      {"fast", {}, {}}, {"balanced", {}, {}}, {"performance", {}, {}}, {"optimum", {}, {}}};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!is_usable(i) && !is_open(i)) continue;
    const std::optional<std::size_t> band = band_of(i);
    if (!band) continue;
    for (const std::size_t contest : {*band, all.size() - 1}) {
      (is_usable(i) ? all[contest].measured : all[contest].open).push_back(i);
    }
  }
  return all;
}

}  // namespace sweetspot::search
