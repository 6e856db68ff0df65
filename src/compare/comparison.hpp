// Two runs, or a stored profile and what was found of it later, held against each other: what
// differs around them, and what is faster. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/between_loads.hpp"
#include "core/enum_names.hpp"
#include "core/fields.hpp"
#include "core/profile_set.hpp"
#include "core/run.hpp"
#include "core/trial.hpp"

namespace sweetspot::compare {

/// Something that is not the same around both runs.
struct Difference {
  std::string what;  ///< "llama.cpp build", "power limit of CUDA0"
  std::string a;     ///< "-" where it is not known
  std::string b;

  bool operator==(const Difference&) const = default;
};

void fields(auto& f, Is<Difference> auto& difference) {
  f("what", difference.what);
  f("a", difference.a);
  f("b", difference.b);
}

enum class Finding {
  faster,  ///< B is
  slower,  ///< B is
  equal,   ///< the whole interval lies within what is asked to be noticed
  open,    ///< the interval holds 1 and more than that: it cannot be told
};

constexpr EnumNames<Finding, 4> names_of(Finding /*of*/) {
  return {{
      {Finding::faster, "faster"},
      {Finding::slower, "slower"},
      {Finding::equal, "equal"},
      {Finding::open, "cannot-be-told"},
  }};
}

enum class Measure { generation, prompt };

constexpr EnumNames<Measure, 2> names_of(Measure /*of*/) {
  return {{{Measure::generation, "generation"}, {Measure::prompt, "prompt"}}};
}

/// One speed of one config in both.
struct SpeedPair {
  std::string what;  ///< "fast", "12 layers": the profile, or what the trial was
  Measure measure = Measure::generation;
  int layers_a = 0;
  int layers_b = 0;  ///< another count where a profile has moved
  Estimate a;        ///< tokens per second
  Estimate b;
  Estimate ratio;  ///< B / A
  Finding finding = Finding::open;
};

void fields(auto& f, Is<SpeedPair> auto& pair) {
  f("what", pair.what);
  f("measure", pair.measure);
  f("layers_a", pair.layers_a);
  f("layers_b", pair.layers_b);
  f("tokens_per_second_a", pair.a);
  f("tokens_per_second_b", pair.b);
  f("ratio", pair.ratio);
  f("finding", pair.finding);
}

/// Memory of one config in both.
struct MemoryPair {
  std::string what;  ///< the profile, and of a stored one also where: "fast on CUDA0"
  std::uint64_t a_bytes = 0;
  std::uint64_t b_bytes = 0;
};

void fields(auto& f, Is<MemoryPair> auto& pair) {
  f("what", pair.what);
  f("a_bytes", pair.a_bytes);
  f("b_bytes", pair.b_bytes);
}

struct Comparison {
  std::vector<Difference> differences;
  std::vector<SpeedPair> profiles;  ///< by name, whatever config they are
  std::vector<SpeedPair> configs;   ///< the same config in both, which no profile has
  std::vector<MemoryPair> memory;   ///< of profiles that are the same config in both
  bool same_model = true;           ///< by fingerprint
};

void fields(auto& f, Is<Comparison> auto& comparison) {
  f.constant("schema", "sweetspot.comparison/1");
  f("same_model", comparison.same_model);
  f("differences", comparison.differences);
  f("profiles", comparison.profiles);
  f("configs", comparison.configs);
  f("memory", comparison.memory);
}

/// From this share on a difference is worth a word.
inline constexpr double kNoticeable = 0.03;

/// The ratio B / A of two speeds that were measured in different loads: their intervals taken as
/// those of independent log-normal figures, and kBetweenLoads twice.
Estimate ratio_of(const Estimate& a, const Estimate& b);

Finding finding_of(const Estimate& ratio, double noticeable = kNoticeable);

/// What is not the same around two runs: model, llama.cpp, machine, driver, limits, settings.
std::vector<Difference> differences(const Run& a, const Run& b);

Comparison compare(const Run& a, const Run& b, double noticeable = kNoticeable);

/// From this share on more memory is worth a word: allocators round, and drivers differ by less.
inline constexpr double kSameMemory = 0.02;

/// Whether B takes more by what is worth a word.
bool takes_more(const MemoryPair& pair);

/// What is not the same around two sets of profiles: llama.cpp, machine, driver, limits.
std::vector<Difference> differences(const ProfileSet& a, const ProfileSet& b);

/// The profile of that name in both; nothing of it where one has none.
Comparison compare(const ProfileSet& a, const ProfileSet& b, std::string_view profile,
                   double noticeable = kNoticeable);

/// Puts the ratio of a pair that was measured in turn in the place of the one of two loads. Where
/// there is none, because a load's own speed is too uncertain to be held against another's, the
/// pair is added as it is.
void take_ratio(Comparison& comparison, SpeedPair in_turn, double noticeable = kNoticeable);

/// The worst that B lost for certain, as a share: 0.03 = at least 3 % slower. 0 where nothing is.
double certain_loss(const Comparison& comparison);

}  // namespace sweetspot::compare
