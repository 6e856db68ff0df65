#include "profiles/host_program.hpp"

#include <string>

namespace sweetspot::profiles {
namespace {

constexpr const char* kNotKnown =
    "it was made for llama-server, and what it takes with libllama's defaults is not known: ";

template <typename T>
Reading<T> known_or_why_not(const Reading<T>& value) {
  if (value) return value;
  return Absence{kNotKnown + value.reason()};
}

}  // namespace

ProfileSet for_host(ProfileSet set, HostProgram program) {
  for (SavedProfile& profile : set.profiles) {
    HostProgram& made_for = profile.config.context.host_program;
    if (made_for == HostProgram::llama_server && program == HostProgram::libllama) {
      // Usual values are for any program.
      if (profile.origin == Origin::defaults) continue;
      profile.needs =
          profile.is_cpu_only() ? profile.needs : known_or_why_not(profile.libllama_needs);
      profile.host_bytes = known_or_why_not(profile.libllama_host_bytes);
    }
    made_for = program;
  }
  return set;
}

}  // namespace sweetspot::profiles
