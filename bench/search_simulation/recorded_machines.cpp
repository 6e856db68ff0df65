#include "recorded_machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <utility>
#include <vector>

#include "best_config.hpp"
#include "brute_force.hpp"
#include "machine/published_curve.hpp"
#include "sweep_search.hpp"
#include "tallies.hpp"
#include "tuner_search.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {
namespace {

struct NamedNoise {
  const char* name;
  double sample;
  bool stalls;
};

constexpr std::array<NamedNoise, 3> kNoises = {
    {{"1 %", 0.01, false}, {"5 %", 0.05, false}, {"stalls", 0.01, true}}};
constexpr std::array<double, 3> kBetweenLoads = {0, 0.02, 0.05};

/// What the goals are about, over some of the runs.
struct Account {
  std::string name;
  Tally decisions;
  Tally profiles;
  Tally most_layers;
  Tally fit;
  Tally tuner;
  std::vector<double> curve_loads = {};  ///< of points of the curve
  int settled = 0;
  int settled_wrong = 0;
  Intervals intervals;
  int beyond_cliff = 0;
  int dominated = 0;
  int disagree = 0;

  void take(const SweepResult& sweep) {
    decisions.outcomes.push_back(sweep.decisions);
    profiles.outcomes.push_back(sweep.profiles);
    curve_loads.push_back(sweep.profiles.effort.loads - sweep.loads_beside);
    settled += sweep.settled;
    settled_wrong += sweep.settled_wrong;
    intervals.all += sweep.intervals.all;
    intervals.held += sweep.intervals.held;
    intervals.below += sweep.intervals.below;
    intervals.below_held += sweep.intervals.below_held;
    beyond_cliff += sweep.beyond_cliff;
    dominated += sweep.dominated;
    disagree += sweep.disagree;
  }
};

double percent(int part, int all) { return all > 0 ? 100.0 * part / all : 0; }

std::vector<double> percent_regrets(const Tally& tally) {
  std::vector<double> all;
  for (const SearchOutcome& outcome : tally.outcomes) {
    for (const auto& [question, regret] : outcome.regrets) all.push_back(100 * regret);
  }
  return all;
}

std::vector<double> all_loads(const Tally& tally) {
  std::vector<double> all;
  all.reserve(tally.outcomes.size());
  for (const SearchOutcome& outcome : tally.outcomes) all.push_back(outcome.effort.loads);
  return all;
}

int sum_over(const Tally& tally, int SearchOutcome::*member) {
  int sum = 0;
  for (const SearchOutcome& outcome : tally.outcomes) sum += outcome.*member;
  return sum;
}

void print(const char* what, const Tally& tally) {
  if (tally.outcomes.empty()) return;
  const auto regrets = percent_regrets(tally);
  const auto loads = all_loads(tally);
  fmt::print(
      "  {:<12} regret median {:5.2f} %  p95 {:6.2f} %  worst {:5.1f} %  loads median {:2.0f} "
      "p95 {:2.0f}  missed {}, unsafe {} of {} answers\n",
      what, quantile(regrets, 0.5), quantile(regrets, 0.95), quantile(regrets, 1),
      quantile(loads, 0.5), quantile(loads, 0.95), sum_over(tally, &SearchOutcome::missed),
      sum_over(tally, &SearchOutcome::unsafe), regrets.size());
}

void print(const Account& account) {
  fmt::print("{}: {} runs\n", account.name,
             std::max(account.decisions.outcomes.size(), account.most_layers.outcomes.size()));
  print("decisions", account.decisions);
  print("profiles", account.profiles);
  print("most layers", account.most_layers);
  print("fit", account.fit);
  print("tuner", account.tuner);
  if (account.decisions.outcomes.empty()) return;
  const Intervals& seen = account.intervals;
  fmt::print(
      "  settled and wrong {:.1f} % of {}; intervals hold {:.1f} % of {}, below the least "
      "measured {:.1f} % of {}\n  beyond a cliff {}, dominated {}, decision and profile "
      "differ {}\n",
      percent(account.settled_wrong, account.settled), account.settled,
      percent(seen.held, seen.all), seen.all, percent(seen.below_held, seen.below), seen.below,
      account.beyond_cliff, account.dominated, account.disagree);
}

bool met(const char* goal, double value, double limit) {
  const bool is_met = value <= limit;
  fmt::print("  {:<52} {:7.2f} (at most {:g}){}\n", goal, value, limit, is_met ? "" : "  MISSED");
  return is_met;
}

class Runs {
 public:
  explicit Runs(const RecordedOptions& options) : options_(options), all_(6) {
    rules_.workload = options.workload;
    constexpr std::array<const char*, 6> kNames = {"all",
                                                   "spread between loads 0 %",
                                                   "spread between loads 2 %",
                                                   "spread between loads 5 %",
                                                   "curves with a cliff",
                                                   "curves without one"};
    for (std::size_t i = 0; i < all_.size(); ++i) all_[i].name = kNames[i];
  }

  void run(const fake::PublishedCurve& curve) {
    for (const fake::Card& card : fake::cards()) {
      if (!options_.card.empty() && options_.card != card.name) continue;
      for (const NamedNoise& noise : kNoises) {
        for (std::size_t i = 0; i < kBetweenLoads.size(); ++i) {
          if (options_.between_loads >= 0 && options_.between_loads != kBetweenLoads[i]) continue;
          for (std::uint64_t k = 0; k < options_.seeds; ++k) {
            run_one(curve, card, noise, i, options_.first_seed + k);
          }
        }
      }
    }
  }

  [[nodiscard]] int conclude() const {
    for (const Account& account : all_) {
      if (account.decisions.outcomes.empty() && account.most_layers.outcomes.empty() &&
          account.fit.outcomes.empty() && account.tuner.outcomes.empty()) {
        continue;
      }
      print(account);
    }
    for (const Tally* tally : {&all_.front().profiles, &all_.front().tuner}) {
      for (const Json& one : worst_json(*tally, options_.worst)) std::cout << "  " << one << "\n";
    }
    if (all_.front().decisions.outcomes.empty()) return 0;
    const bool good = goals_are_met();
    return options_.check && !good ? 1 : 0;
  }

 private:
  [[nodiscard]] bool wanted(const char* search) const {
    return options_.only.empty() ? std::string(search) != "tuner" : options_.only == search;
  }

  template <typename Take>
  void each_account(const fake::PublishedCurve& curve, std::size_t spread, Take take) {
    take(all_[0]);
    take(all_[1 + spread]);
    take(all_[curve.cliff_at > 0 ? 4 : 5]);
  }

  void run_one(const fake::PublishedCurve& curve, const fake::Card& card, const NamedNoise& named,
               std::size_t spread, std::uint64_t seed) {
    fake::Noise noise{named.sample, named.stalls, kBetweenLoads[spread], options_.only == "tuner"};
    const fake::Machine machine(fake::machine_of(curve, card, noise));
    const std::string name = fmt::format("{}, {} card, {}, {:g} % between loads", curve.id,
                                         card.name, named.name, 100 * kBetweenLoads[spread]);
    const auto named_outcome = [&](SearchOutcome outcome) {
      outcome.seed = seed;
      outcome.machine = name;
      return outcome;
    };
    if (wanted("sweep")) {
      SweepResult sweep = sweep_search(machine, seed, rules_, {});
      sweep.decisions = named_outcome(sweep.decisions);
      sweep.profiles = named_outcome(sweep.profiles);
      if (options_.steps) print_steps(name, seed, sweep);
      each_account(curve, spread, [&](Account& account) { account.take(sweep); });
    }
    if (wanted("tuner") && curve.by_experts) {
      const VramView vram(machine, rules_.driver);
      const double limit = Bands{}.performance_percent;
      const BestConfig best = best_config(machine, vram, rules_.workload, {}, limit);
      const TunerResult tuner = tuner_search(machine, seed, rules_, {}, limit, best.request_ms);
      if (options_.steps) {
        fmt::print("{}, seed {}\n  {}\n", name, seed, fmt::join(tuner.steps, "\n  "));
      }
      const SearchOutcome outcome = named_outcome(tuner.outcome);
      each_account(curve, spread,
                   [&](Account& account) { account.tuner.outcomes.push_back(outcome); });
    }
    // Without measuring there is no noise: once for each machine is enough.
    if (seed != options_.first_seed || named.name != kNoises.front().name || spread > 0) return;
    if (wanted("most-layers")) {
      const SearchOutcome outcome = named_outcome(most_layers(machine, rules_, {}));
      each_account(curve, spread,
                   [&](Account& account) { account.most_layers.outcomes.push_back(outcome); });
    }
    if (wanted("fit")) {
      const SearchOutcome outcome = named_outcome(fit(machine, rules_, {}));
      each_account(curve, spread,
                   [&](Account& account) { account.fit.outcomes.push_back(outcome); });
    }
  }

  static void print_steps(const std::string& name, std::uint64_t seed, const SweepResult& sweep) {
    fmt::print("{}, seed {}\n  {}\n  = {}\n", name, seed, fmt::join(sweep.steps, "\n  "),
               fmt::join(sweep.results, "\n  = "));
  }

  [[nodiscard]] bool goals_are_met() const {
    const Account& all = all_.front();
    const auto p95 = [](const Account& account) {
      return quantile(percent_regrets(account.profiles), 0.95);
    };
    std::cout << "goals\n";
    bool good = met("regret, 95th percentile, % (no spread)", p95(all_[1]), 2);
    good = met("regret, 95th percentile, % (2 % between loads)", p95(all_[2]), 2) && good;
    good = met("regret, 95th percentile, % (5 % between loads)", p95(all_[3]), 3) && good;
    good =
        met("regret, worst with a cliff, %", quantile(percent_regrets(all_[4].profiles), 1), 8) &&
        good;
    good = met("profiles beyond a cliff", all.beyond_cliff, 0) && good;
    good = met("settled and wrong, %", percent(all.settled_wrong, all.settled), 5) && good;
    good = met("intervals that miss, %", 100 - percent(all.intervals.held, all.intervals.all), 8) &&
           good;
    good = met("loads of points of the curve, median", quantile(all.curve_loads, 0.5), 5) && good;
    good =
        met("loads of points of the curve, 95th percentile", quantile(all.curve_loads, 0.95), 9) &&
        good;
    return good;
  }

  const RecordedOptions& options_;
  Rules rules_;
  std::vector<Account> all_;
};

}  // namespace

int simulate_recorded(const RecordedOptions& options) {
  const auto curves = fake::read_curves(options.curves_path);
  if (!curves) {
    std::cerr << curves.error().message << "\n";
    return 2;
  }
  Runs runs(options);
  for (const fake::PublishedCurve& curve : *curves) {
    if (options.curve_id.empty() || options.curve_id == curve.id) runs.run(curve);
  }
  return runs.conclude();
}

}  // namespace sweetspot::simulation
