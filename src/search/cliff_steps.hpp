// What a sweep asks about a cliff: whether there is one, and where it begins. Pure.
#pragma once

#include <optional>

#include "search/sweep_step.hpp"

namespace sweetspot::search {

/// Two points make a line that nothing speaks against: before it is believed, a second count on
/// the device is measured.
std::optional<SweepStep> second_count(const SweepState& sweep, const SweepView& view);

/// Whether it stays slow above a suspect: where the count with the most layers lies on the curve
/// again, what was seen is no cliff.
std::optional<SweepStep> about_suspect(const SweepState& sweep, const SweepView& view);

/// A suspect that is all its band has, loaded again: nothing is concluded from what was seen once.
std::optional<SweepStep> confirm_suspect(const SweepState& sweep, const SweepView& view);

/// What slows the processor down for minutes looks like a cliff, too: a band that would stay empty
/// for speeds alone is asked once more when something that was measured since lies on the curve.
std::optional<SweepStep> confirm_cliff(const SweepState& sweep, const SweepView& view);

/// The chance that a cliff that was seen above a good count does not lie right above it: any of the
/// open counts between the two may be the first bad one. 1 where none was seen.
double share_below_cliff(const SweepState& sweep, const Contest& contest, int layers);

/// Between a good count and one that is not, where a cliff begins is found by halves: `layers`, or
/// the middle of that gap. What looks like a bend from afar may be one: the middle tells.
int halved(const SweepState& sweep, int layers, const Contest& contest);

}  // namespace sweetspot::search
