// Profile sets: all that are kept, and one with its profiles.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

struct ListedSet {
  std::string file;  ///< its name, without the folder
  Result<ProfileSet> set;
};

/// One line for each set, then what is wrong with those that cannot be read. Texts are made
/// printable here. Whole lines.
std::string profile_sets_table(const std::vector<ListedSet>& sets, const Style& style);

/// What is held against a profile, and for whom.
struct HeldLine {
  std::string profile;
  std::string loader;  ///< "llama-server --embedding"
  std::string what;
};

/// What the set is for, its profiles, what each rests on and what is held against it. Whole lines.
std::string profile_set_text(const ProfileSet& set, const std::vector<HeldLine>& held,
                             const Style& style);

}  // namespace sweetspot::report
