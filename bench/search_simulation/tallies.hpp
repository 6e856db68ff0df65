// What became of many searches: distributions, as numbers and as text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "rules.hpp"

namespace sweetspot::simulation {

/// One search on one machine.
struct SearchOutcome {
  std::uint64_t seed = 0;
  std::string machine = {};  ///< by name, where the seed does not tell
  /// By question; 1 where a search answered nothing although there was an answer.
  std::map<std::string, double> regrets;
  int missed = 0;  ///< questions without an answer although there is one
  /// Bands without an answer, of which the best is slower than that of a band with less memory.
  int left_empty = 0;
  int unsafe = 0;  ///< answers that do not fit the machine or the question
  /// True, over llama.cpp's own defaults; 0 where they do not keep to the limit, or nobody asked.
  double speed_up = 0;
  /// Of the best of all it tried, where it tells: what is lost beyond that was lost in the choice.
  std::optional<double> tried_regret;
  Effort effort;
};

/// Of one way to search, over all machines.
struct Tally {
  std::string name;
  std::vector<SearchOutcome> outcomes;
};

/// The value below which `share` of the values lie, interpolated; 0 for none.
double quantile(std::vector<double> values, double share);

/// Median, 95th percentile and mean of everything; regrets in percent.
Json to_json(const Tally& tally);

/// The seeds of the `count` machines with the largest regrets, worst first, for a closer look.
Json worst_json(const Tally& tally, std::size_t count);

/// A few lines for people.
std::string to_text(const Tally& tally);

}  // namespace sweetspot::simulation
