#include "cli/slower_option.hpp"

#include <CLI/CLI.hpp>

#include "cli/percent.hpp"

namespace sweetspot::cli {

void add_fail_if_slower(CLI::App& app, SlowerOption& option) {
  app.add_option("--fail-if-slower", option.percent,
                 "End with exit code 1 where it is slower by more than this for certain")
      ->type_name("PERCENT");
}

Result<std::optional<double>> slower_limit(const SlowerOption& option) {
  if (option.percent.empty()) return std::nullopt;
  const Result<double> limit = parse_percent(option.percent, "--fail-if-slower");
  if (!limit) return tl::unexpected(limit.error());
  return *limit;
}

int exit_code_of(const compare::Comparison& comparison, const std::optional<double>& limit) {
  return limit && compare::certain_loss(comparison) > *limit ? kSlower : 0;
}

}  // namespace sweetspot::cli
