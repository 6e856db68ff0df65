// What a tune asked, tried and decided: kept with its run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/enum_names.hpp"
#include "core/fields.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"

namespace sweetspot {

/// What is to be best.
enum class Objective {
  request,     ///< time of one request, or its share of it where several run side by side
  generation,  ///< time per generated token, of all sequences together
  prompt,      ///< time per prompt token
  energy,      ///< joules of one request
};

constexpr EnumNames<Objective, 4> names_of(Objective /*of*/) {
  return {{
      {Objective::request, "request"},
      {Objective::generation, "generation"},
      {Objective::prompt, "prompt"},
      {Objective::energy, "energy"},
  }};
}

/// What a tune must keep to.
struct TuneConstraints {
  double max_vram_percent = 85;  ///< of the fullest device, others' use included
  Reading<double> min_generation_tokens_per_second = Absence{"not asked for"};
  Reading<double> min_prompt_tokens_per_second = Absence{"not asked for"};
};

void fields(auto& f, Is<TuneConstraints> auto& constraints) {
  f("max_vram_percent", constraints.max_vram_percent);
  f("min_generation_tokens_per_second", constraints.min_generation_tokens_per_second);
  f("min_prompt_tokens_per_second", constraints.min_prompt_tokens_per_second);
}

/// Passes of both while both were loaded, the n-th of one next to the n-th of the other;
/// milliseconds per token, in order.
struct PassTurns {
  std::vector<double> baseline_ms;
  std::vector<double> winner_ms;

  [[nodiscard]] std::size_t size() const { return winner_ms.size(); }
};

void fields(auto& f, Is<PassTurns> auto& turns) {
  f("baseline_ms", turns.baseline_ms);
  f("winner_ms", turns.winner_ms);
  f.check(turns.baseline_ms.size() == turns.winner_ms.size(), "one had more turns than the other");
}

struct Turns {
  PassTurns generation;
  PassTurns prompt;
};

void fields(auto& f, Is<Turns> auto& turns) {
  f("generation", turns.generation);
  f("prompt", turns.prompt);
}

/// One comparison of the winner with llama.cpp's defaults, measured one after the other.
struct TuneRound {
  std::size_t baseline = 0;  ///< into Run::results
  std::size_t winner = 0;
  double speed_up = 1;  ///< cost of the baseline / cost of the winner
  /// Where both were loaded at once; `baseline` and `winner` are what they took before.
  std::optional<Turns> turns = std::nullopt;
};

void fields(auto& f, Is<TuneRound> auto& round) {
  f("baseline", round.baseline);
  f("winner", round.winner);
  f("speed_up", round.speed_up);
  f.later("turns", round.turns);
}

/// A result that no other one beats in both cost and device memory.
struct FrontPoint {
  std::size_t result = 0;  ///< into Run::results
  /// The longest context with which it would still keep to the constraints, as llama.cpp's memory
  /// maps say; of the usual ones, which double.
  Reading<std::uint32_t> largest_ctx = Absence{"not asked"};
};

void fields(auto& f, Is<FrontPoint> auto& point) {
  f("result", point.result);
  f("largest_ctx", point.largest_ctx);
}

/// Why a tune ended where nothing is left to measure.
inline constexpr const char* kEverythingDecided = "everything is decided";

struct TuneRecord {
  std::string workload;  ///< chat, rag, code, agent, custom
  Objective objective = Objective::request;
  TuneConstraints constraints;
  std::optional<std::size_t> baseline;  ///< into Run::results: llama.cpp's own defaults
  std::optional<std::size_t> winner;    ///< the same index where the defaults are best
  std::vector<TuneRound> rounds;
  std::optional<Estimate> speed_up;  ///< over the rounds, 95 %
  std::vector<FrontPoint> front;     ///< speed against memory against context
  std::string verdict;               ///< one sentence
  std::string ended;                 ///< why it stopped; empty while it goes on
};

void fields(auto& f, Is<TuneRecord> auto& tune) {
  f("workload", tune.workload);
  f("objective", tune.objective);
  f("constraints", tune.constraints);
  f("baseline", tune.baseline);
  f("winner", tune.winner);
  f("rounds", tune.rounds);
  f("speed_up", tune.speed_up);
  f("front", tune.front);
  f("verdict", tune.verdict);
  f("ended", tune.ended);
}

}  // namespace sweetspot
