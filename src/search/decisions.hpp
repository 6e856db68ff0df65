// What possible worlds say about a question: who wins, and how sure is that. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sweetspot::search {

/// Possible worlds: ms per token of every candidate, [world][candidate].
using Worlds = std::vector<std::vector<double>>;

/// "Which of these is fastest?" Members are candidate indexes.
struct Contest {
  std::string name;
  std::vector<std::size_t> measured;  ///< members that may win as they are
  std::vector<std::size_t> open;      ///< members that nobody measured and that may be tried
};

/// How a contest stands.
struct Odds {
  std::optional<std::size_t> winner;  ///< fastest of the measured members, on average over worlds
  /// Share of the worlds in which an open member beats the winner by more than the tolerance; 1
  /// where nothing was measured.
  double doubt = 1;
  /// For each candidate: by what share it beats the winner, on average over the worlds that it wins
  /// (0 elsewhere). Where nothing was measured: the share of worlds that it wins.
  std::vector<double> gain;
};

/// `candidates` is the number of all candidates.
Odds odds_of(const Contest& contest, const Worlds& worlds, std::size_t candidates,
             double tolerance);

/// What measuring each of the open members is worth, as a share of what the winner takes, on
/// average over what it may turn out to be: by how much it beats the winner itself (expected
/// improvement: Jones, Schonlau and Welch 1998), and a part of by how much better the choice among
/// all members gets because it tells of its neighbours (knowledge gradient for correlated beliefs:
/// Frazier, Powell and Dayanik 2009). 0 for all others; all 0 where nothing was measured. `noise`:
/// one standard deviation of a measurement, as a share.
std::vector<double> worth_of_measuring(const Contest& contest, const Worlds& worlds,
                                       std::size_t candidates, double noise);

/// For every world the least layer count from which on no further layer gains `worthwhile` of
/// speed, as profiles/analyse.hpp has it: from the 2.5th to the 97.5th percentile. `layers` are
/// those of the candidates in `members`, ascending.
std::pair<int, int> diminishing_range(const Worlds& worlds, const std::vector<std::size_t>& members,
                                      const std::vector<int>& layers, double worthwhile);

}  // namespace sweetspot::search
