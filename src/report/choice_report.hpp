// What may be loaded now, and why: the table of `sweetspot choose`.
#pragma once

#include <string>
#include <vector>

#include "core/profile_set.hpp"
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

struct ChoiceView {
  const ProfileSet* set = nullptr;
  std::string reason;  ///< of the choice, or why there is none
  std::vector<ChoiceRow> rows;
  std::vector<std::string> stale;  ///< what changed since the set was made
  std::vector<std::string> notes;  ///< whole sentences without a full stop
};

/// Header with what the set rests on, the table, the reason, what a faster profile lacks, notes.
std::string choice_text(const ChoiceView& view, const Style& style);

}  // namespace sweetspot::report
