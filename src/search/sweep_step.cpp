#include "search/sweep_step.hpp"

#include <algorithm>
#include <utility>

namespace sweetspot::search {
namespace {

// What wins every contest that a layer count is in: one that is slower than the slowest of these
// winners decides nothing more.
double rival_ms(const SweepState& sweep, const SweepView& view, int layers) {
  double slowest = 0;
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    const std::vector<std::size_t>& open = view.contests[k].open;
    const bool takes_part = std::any_of(open.begin(), open.end(), [&](std::size_t i) {
      return sweep.candidates[i].layers == layers;
    });
    if (!takes_part) continue;
    if (!view.odds[k].winner) return 0;
    slowest = std::max(slowest, sweep.row_of(*view.odds[k].winner)->ms->value);
  }
  return slowest;
}

}  // namespace

SweepStep exploring(const SweepState& sweep, const SweepView& view, int layers,
                    std::string reason) {
  SweepStep step{layers, Extent::generation_only, std::move(reason)};
  step.rival_ms = rival_ms(sweep, view, layers);
  return step;
}

}  // namespace sweetspot::search
