#include "profiles/held.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.hpp"
#include "profiles/needs.hpp"

namespace sweetspot::profiles {
namespace {

std::vector<Loader> loaders_of(const ProfileSet& set) {
  std::vector<Loader> loaders;
  for (const LoadReport& report : set.reports) {
    if (std::find(loaders.begin(), loaders.end(), report.loader) == loaders.end()) {
      loaders.push_back(report.loader);
    }
  }
  return loaders;
}

// What a loader's reports have added to what the profile is known to need.
std::string more_memory(const ProfileSet& set, const SavedProfile& profile, const Loader& loader) {
  const auto plain = plain_needs(set, profile, {});
  if (!plain) return {};
  const auto corrected = corrected_needs(set, profile, *plain, {}, loader);
  std::string text;
  for (std::size_t i = 0; i < corrected.size(); ++i) {
    if (corrected[i].bytes <= (*plain)[i].bytes) continue;
    text += fmt::format("{}it needs {} of {}, not {}", text.empty() ? "" : "; ",
                        format_bytes(corrected[i].bytes), corrected[i].device,
                        format_bytes((*plain)[i].bytes));
  }
  return text;
}

}  // namespace

std::vector<Held> held_against(const ProfileSet& set) {
  const std::vector<Loader> loaders = loaders_of(set);
  std::vector<Held> held;
  for (const SavedProfile& profile : set.profiles) {
    for (const Loader& loader : loaders) {
      if (keeps_crashing(set, profile, loader)) {
        held.push_back({profile.name, loader,
                        "it crashed the last two times, so it is not chosen unless asked for"});
      }
      if (std::string more = more_memory(set, profile, loader); !more.empty()) {
        held.push_back({profile.name, loader, std::move(more)});
      }
    }
  }
  return held;
}

std::string name_of(const Loader& loader) {
  if (loader.program.empty()) return "an application";
  if (loader.arguments.empty()) return loader.program;
  return fmt::format("{} {}", loader.program, fmt::join(loader.arguments, " "));
}

ProfileSet without_reports(ProfileSet set, const std::string& profile) {
  std::erase_if(set.reports, [&](const LoadReport& report) {
    return profile.empty() || report.profile == profile;
  });
  return set;
}

}  // namespace sweetspot::profiles
