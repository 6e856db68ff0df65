#include "cli/choice_json.hpp"

#include "core/json_writer.hpp"

namespace sweetspot::cli {
namespace {

std::vector<RungRow> rungs_by_name(const ProfileSet& set,
                                   const std::vector<profiles::Rung>& rungs) {
  std::vector<RungRow> rows;
  rows.reserve(rungs.size());
  for (const profiles::Rung& rung : rungs) {
    rows.push_back({set.profiles[rung.profile].name, rung.fits, rung.why_not, rung.missing_bytes});
  }
  return rows;
}

}  // namespace

Json choice_to_json(const ProfileSet& set, const profiles::Choice& choice,
                    const std::vector<std::string>& notes) {
  ChoiceDocument document;
  if (choice.profile) document.profile = set.profiles[*choice.profile].name;
  document.reason = choice.reason;
  document.below = rungs_by_name(set, choice.below);
  document.passed = rungs_by_name(set, choice.passed);
  document.stale = choice.stale;
  document.usable = choice.usable;
  document.notes = notes;
  document.set = set;
  return json_of(document);
}

}  // namespace sweetspot::cli
