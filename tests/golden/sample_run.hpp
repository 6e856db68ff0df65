// Runs made by hand: every kind of row, absence and hostile text that a real run can hold.
#pragma once

#include "core/run.hpp"

namespace sweetspot::tests {

/// The measurements the mission quotes (RTX 4050, Zephyr-7B), as a run of this program: 33 layers
/// can be offloaded, so 35, 40, 43 and -1 are one row.
Run mission_run();

/// A run where most goes wrong: failures of several classes, absent readings, an RPC device without
/// a driver, hostile names, an unfinished state.
Run troubled_run();

/// Of an adaptive sweep on the mission's card: layer counts of every standing, decisions that are
/// settled and open, and a hostile reason.
Run adaptive_run();

/// Of a tune: the baseline, placements, contexts (one of them refused for its output), and two
/// final rounds.
Run tuned_run();

/// ESC sequences, a C1 control, a bidirectional override, invalid UTF-8, quotes and a command.
std::string hostile_text();

}  // namespace sweetspot::tests
