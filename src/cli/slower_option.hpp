// --fail-if-slower: an exit code for scripts that watch whether something became slower.
#pragma once

#include <optional>
#include <string>

#include "compare/comparison.hpp"
#include "core/error.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

inline constexpr int kSlower = 1;  // exit code

/// As typed; empty = not given.
struct SlowerOption {
  std::string percent;
};

void add_fail_if_slower(CLI::App& app, SlowerOption& option);

/// A share, nothing where the option was not given. Error (usage): no percentage.
Result<std::optional<double>> slower_limit(const SlowerOption& option);

/// kSlower where B lost more than `limit` for certain, else 0.
int exit_code_of(const compare::Comparison& comparison, const std::optional<double>& limit);

}  // namespace sweetspot::cli
