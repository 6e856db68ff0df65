// Prints the tables of docs/measuring.md: measure_coverage_table [runs per row]
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "measure/coverage.hpp"

namespace sweetspot::measure {
namespace {

void print_rule(int runs) {
  StoppingOptions options;
  options.max_seconds = 1e9;
  std::printf("| noise | samples (median) | within 1 %% | interval holds the truth |\n");
  std::printf("|---|---|---|---|\n");
  for (const testing::Noise noise : testing::kEveryNoise) {
    const testing::Coverage row = testing::coverage(noise, runs, options);
    std::printf("| %s | %.0f | %.1f %% | %.1f %% |\n", testing::name_of(noise).c_str(),
                row.median_samples, 100 * row.within_1_percent, 100 * row.interval_holds);
  }
}

void print_interval(int runs) {
  std::printf("\n| samples | interval holds the truth | half-width (median) |\n|---|---|---|\n");
  for (const int count : {2, 3, 4, 5, 6, 8, 12, 30, 100}) {
    const testing::IntervalCoverage row = testing::interval_coverage(count, runs);
    std::printf("| %d | %.1f %% | %.2f %% |\n", count, 100 * row.holds,
                100 * row.median_half_width);
  }
}

}  // namespace
}  // namespace sweetspot::measure

int main(int argc, char** argv) {
  const int runs = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2000;
  sweetspot::measure::print_rule(runs);
  sweetspot::measure::print_interval(runs);
}
