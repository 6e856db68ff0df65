// The settings that a tune tried, each once, however often it was measured. Internal to this room.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/run.hpp"

namespace sweetspot::report {

/// One placement with its context settings.
struct TriedSetting {
  std::size_t result = 0;  ///< into Run::results: the one whose figures count
  std::string title;       ///< of the first trial, which says what the setting is
  std::size_t times = 0;   ///< that it was tried
};

/// In the order in which they were first tried. What counts is the winner's and the baseline's own
/// result, else the last one that was measured, else the last one.
std::vector<TriedSetting> tried_settings(const Run& run);

/// Whether a result of that config is in the front of a tune.
bool in_front(const Run& run, const Config& config);

/// The result that the winner was last measured in turn with, else the baseline's.
std::optional<std::size_t> baseline_of(const TuneRecord& tune);

}  // namespace sweetspot::report
