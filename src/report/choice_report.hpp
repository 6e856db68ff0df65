// What may be loaded now, and why: the screen and the table of `sweetspot choose`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/profile_set.hpp"
#include "core/reading.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

enum class ChoiceState {
  chosen,
  fits,      ///< a rung below the chosen one
  passed,    ///< faster than the chosen one, and does not fit now
  not_asked  ///< neither
};

/// One profile of the set, in its order.
struct ChoiceRow {
  const SavedProfile* profile = nullptr;
  ChoiceState state = ChoiceState::not_asked;
  std::string why_not;  ///< a clause; empty where it fits
};

/// What a device that the chosen profile needs has free at this moment.
struct FreeNow {
  std::string device;
  Reading<std::uint64_t> bytes;
};

struct ChoiceView {
  const ProfileSet* set = nullptr;
  std::string workload;              ///< of the set's speeds: "chat"
  std::string model;                 ///< its file, quoted for a shell
  std::vector<std::string> command;  ///< starts the chosen profile, as command_text() takes it
  std::vector<FreeNow> free;
  std::string reason;  ///< of the choice, or why there is none
  std::vector<ChoiceRow> rows;
  std::vector<std::string> stale;  ///< what changed since the set was made
  std::vector<std::string> notes;  ///< whole sentences without a full stop
};

/// What to load, what it needs and what is free, the command, what to try after it. Whole lines,
/// safe for a terminal, at most kScreenLines.
std::string choice_screen(const ChoiceView& view, const Style& style);

/// Header with what the set rests on, the table, the reason, what a faster profile lacks, notes.
std::string choice_text(const ChoiceView& view, const Style& style);

}  // namespace sweetspot::report
