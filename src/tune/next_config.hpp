// Which config to measure next: the one whose measurement is worth most, until none is worth a
// load. Pure.
#pragma once

#include <optional>

#include "core/trial.hpp"
#include "tune/field.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// So many loads in a row that brought nothing are enough: the model has been wrong each time.
inline constexpr int kMostInVain = 4;

/// The next config, or nothing when enough is known. `in_vain`: so many of the last that were
/// loaded were no better than what was best before.
std::optional<Step> next_config(const View& view, int in_vain);

/// Whether a trial took far longer than the arms before it let expect: it has not been told yet.
/// False where fewer than two are known.
bool is_off_the_curve(const View& view, const Trial& trial);

}  // namespace sweetspot::tune
