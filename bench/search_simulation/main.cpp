// How good and how costly a search is over many pretended machines, against brute force and TPE.
//
//   search_simulation --pairs 1000 --json results.json
//   search_simulation --first 17 --pairs 1 --steps      one machine, step by step
//   search_simulation --recorded                        published curves instead of drawn machines
//
// The same seeds give the same figures, timing excepted.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "best_config.hpp"
#include "brute_force.hpp"
#include "config_space.hpp"
#include "core/profile.hpp"
#include "duel_search.hpp"
#include "finals_search.hpp"
#include "machine/machine.hpp"
#include "machine/machine_json.hpp"
#include "machine/published_curve.hpp"
#include "machine/random_pair.hpp"
#include "recorded_machines.hpp"
#include "sweep_search.hpp"
#include "tallies.hpp"
#include "tpe_search.hpp"
#include "tuner_search.hpp"
#include "vram_view.hpp"

namespace {

using namespace sweetspot;              // NOLINT(google-build-using-namespace): a program
using namespace sweetspot::simulation;  // NOLINT(google-build-using-namespace)

struct Options {
  std::uint64_t first = 0;
  std::uint64_t pairs = 1000;
  std::string curve = "mixed";
  std::string only;
  std::string json_path;
  Workload workload;
  bool steps = false;
  bool recorded = false;
  RecordedOptions recordings;
  std::size_t worst = 0;
  double ratio = 1.05;
  profiler::DuelRules duel;
  bool check = false;
};

fake::Parts draw(const Options& options, std::uint64_t seed) {
  fake::Wish wish;
  if (options.curve == "linear") wish.linear = true;
  if (options.curve == "nonlinear") wish.linear = false;
  return fake::random_pair(seed, wish);
}

/// Everything about one pair.
class Pair {
 public:
  Pair(const Options& options, std::uint64_t seed)
      : options_(options), seed_(seed), machine_(draw(options, seed)) {
    // Nobody but the server knows what is in use over RPC.
    rules_.driver = machine_.parts().name != "remote";
    rules_.workload = options.workload;
  }

  void run(std::vector<Tally>& tallies, int& settled, int& settled_wrong) {
    if (wanted("sweep")) {
      const SweepResult sweep = sweep_search(machine_, seed_, rules_, bands_);
      keep(tallies[0], sweep.decisions);
      keep(tallies[1], sweep.profiles);
      settled += sweep.settled;
      settled_wrong += sweep.settled_wrong;
      if (options_.steps) print_steps(sweep);
    }
    if (wanted("brute-force")) {
      keep(tallies[2], brute_force(machine_, seed_, rules_, bands_));
    }
    if (wanted("most-layers")) keep(tallies[5], most_layers(machine_, rules_, bands_));
    if (wanted("tpe")) keep(tallies[3], run_tpe());
    if (wanted("tuner")) keep(tallies[4], run_tuner());
  }

 private:
  [[nodiscard]] bool wanted(const char* search) const {
    return options_.only.empty() || options_.only == search;
  }

  void keep(Tally& tally, SearchOutcome outcome) const {
    outcome.seed = seed_;
    tally.outcomes.push_back(std::move(outcome));
  }

  SearchOutcome run_tpe() {
    const VramView vram(machine_, rules_.driver);
    const ConfigSpace space(machine_);
    const double percent = bands_.performance_percent;
    const double best_ms = space.best_request_ms(vram, rules_.workload, percent);
    return tpe_search(machine_, space, seed_, rules_, percent, best_ms,
                      defaults_ms(machine_, seed_, rules_, {}, percent));
  }

  SearchOutcome run_tuner() {
    const VramView vram(machine_, rules_.driver);
    const double percent = bands_.performance_percent;
    const BestConfig best = best_config(machine_, vram, rules_.workload, {}, percent);
    const TunerResult tuner = tuner_search(machine_, seed_, rules_, {}, percent, best.request_ms);
    if (options_.steps) {
      for (const std::string& step : tuner.steps) std::cout << "  " << step << "\n";
      std::cout << "  = chosen " << dump(to_json(tuner.chosen)) << "\n  = best "
                << dump(to_json(best.config)) << "\n";
    }
    return tuner.outcome;
  }

  void print_steps(const SweepResult& sweep) const {
    std::cout << "seed " << seed_ << ": " << dump(fake::to_json(machine_.parts()), 1) << "\n";
    for (const std::string& step : sweep.steps) std::cout << "  " << step << "\n";
    for (const std::string& result : sweep.results) std::cout << "  = " << result << "\n";
  }

  const Options& options_;
  std::uint64_t seed_;
  fake::Machine machine_;
  Rules rules_;
  Bands bands_;
};

/// The goals of a search over the answers of all machines together.
bool goals_are_met(const Tally& search) {
  constexpr double kMedianRegretPercent = 0.5;
  constexpr double kP95RegretPercent = 2;
  constexpr double kMedianLoads = 7;
  const Json json = to_json(search);
  const Json& regret = json.at("regret_percent").at("all");
  const bool met = regret.at("median").get<double>() < kMedianRegretPercent &&
                   regret.at("p95").get<double>() < kP95RegretPercent &&
                   json.at("loads").at("median").get<double>() <= kMedianLoads;
  std::cout << search.name << (met ? ": goals met" : ": goals missed")
            << ": median regret < 0.5 %, 95th percentile < 2 %, at most 7 loads in the median\n";
  return met;
}

/// How often a difference of `options.ratio` is called by the finals of a tune, and what it takes.
void compare_finals(const Options& options) {
  for (const bool with_turns : {false, true}) {
    std::vector<double> seconds;
    std::vector<double> loads;
    double called = 0;
    double asked = 0;
    for (std::uint64_t i = 0; i < options.pairs; ++i) {
      const FinalsOutcome one = finals_search(options.first + i, options.ratio, with_turns);
      asked += one.is_asked ? 1 : 0;
      if (!one.took_place) continue;
      if (options.steps) {
        std::cout << fmt::format("seed {}:{}{}\n", options.first + i, one.rounds,
                                 one.called ? ", called" : "");
      }
      called += one.called ? 1 : 0;
      seconds.push_back(one.seconds);
      loads.push_back(one.loads);
    }
    const auto count = static_cast<double>(seconds.size());
    std::cout << fmt::format(
        "finals {}: {:.0f} of {:.0f} machines, called faster {:.1f} % ({:.1f} % of all), virtual "
        "seconds median {:.0f} p95 {:.0f}, loads median {:.0f} p95 {:.0f}\n",
        with_turns ? "taking turns" : "loaded one after the other", count, asked,
        100 * called / count, 100 * called / asked, quantile(seconds, 0.5), quantile(seconds, 0.95),
        quantile(loads, 0.5), quantile(loads, 0.95));
  }
}

/// How often two engines of `options.ratio` are told apart, and what it takes.
void compare_engines(const Options& options) {
  std::vector<double> seconds;
  std::vector<double> rounds;
  double slower = 0;
  double faster = 0;
  for (std::uint64_t i = 0; i < options.pairs; ++i) {
    const DuelSearch one = duel_search(options.first + i, options.ratio, options.duel);
    if (!one.took_place) continue;
    if (options.steps) {
      std::cout << fmt::format("{}: {} rounds {}, {:.0f} s, {:.4f} ({:.4f} to {:.4f})\n",
                               options.first + i, one.rounds, one.in_turn ? "in turn" : "apart",
                               one.seconds, one.ratio.value, one.ratio.low, one.ratio.high);
    }
    slower += one.slower ? 1 : 0;
    faster += one.faster ? 1 : 0;
    seconds.push_back(one.seconds);
    rounds.push_back(one.rounds);
  }
  const auto count = static_cast<double>(seconds.size());
  std::cout << fmt::format(
      "duel at {}: {:.0f} pairs, called slower {:.1f} %, faster {:.1f} %, virtual seconds median "
      "{:.0f} p95 {:.0f}, rounds median {:.0f} p95 {:.0f}\n",
      options.ratio, count, 100 * slower / count, 100 * faster / count, quantile(seconds, 0.5),
      quantile(seconds, 0.95), quantile(rounds, 0.5), quantile(rounds, 0.95));
}

int simulate(const Options& options) {
  if (options.only == "duel") {
    compare_engines(options);
    return 0;
  }
  if (options.only == "finals") {
    compare_finals(options);
    return 0;
  }
  std::vector<Tally> tallies = {{"adaptive sweep", {}},
                                {"adaptive sweep, its profiles", {}},
                                {"brute force, as llama-bench", {}},
                                {"TPE, 45 trials", {}},
                                {"tuner", {}},
                                {"most layers of each band, unmeasured", {}}};
  int settled = 0;
  int settled_wrong = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < options.pairs; ++i) {
    Pair(options, options.first + i).run(tallies, settled, settled_wrong);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  Json json = {{"first_seed", options.first}, {"pairs", options.pairs}, {"curve", options.curve}};
  for (const Tally& tally : tallies) {
    if (tally.outcomes.empty()) continue;
    std::cout << to_text(tally);
    json["searches"].push_back(to_json(tally));
    json["searches"].back()["worst"] = worst_json(tally, options.worst);
    for (const Json& one : json["searches"].back()["worst"]) std::cout << "  " << dump(one) << "\n";
  }
  std::cout << "called settled: " << settled
            << ", of them off by more than the tolerance: " << settled_wrong << "\n";
  json["settled"] = settled;
  json["settled_wrong"] = settled_wrong;
  std::cerr << "took " << took.count() << " s\n";
  bool met = true;
  for (const Tally* search : {&tallies[0], &tallies[4]}) {
    if (options.check && !search->outcomes.empty()) met = goals_are_met(*search) && met;
  }
  if (!met) return 1;
  if (options.json_path.empty()) return 0;
  std::ofstream file(options.json_path);
  file << dump(json, 2) << "\n";
  return file.good() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Searches on pretended machines");
  Options options;
  app.add_option("--first", options.first, "first seed")->capture_default_str();
  app.add_option("--pairs", options.pairs, "machines")->capture_default_str();
  app.add_option("--curve", options.curve, "linear, nonlinear or mixed")
      ->check(CLI::IsMember({"linear", "nonlinear", "mixed"}))
      ->capture_default_str();
  app.add_option(
         "--only", options.only,
         "sweep, brute-force, most-layers, tpe or tuner; fit of --recorded; or finals, of two "
         "configs of a known ratio, or duel, of two engines")
      ->check(CLI::IsMember(
          {"sweep", "brute-force", "most-layers", "tpe", "tuner", "fit", "finals", "duel"}));
  app.add_option("--ratio", options.ratio, "true ratio of the two of the finals or the duel")
      ->capture_default_str();
  app.add_option("--duel-seconds", options.duel.max_seconds,
                 "no round of a duel begins after so many virtual seconds")
      ->capture_default_str();
  app.add_option("--prompt", options.workload.n_prompt, "prompt tokens")->capture_default_str();
  app.add_option("--gen", options.workload.n_gen, "generated tokens")->capture_default_str();
  app.add_option("--depth", options.workload.n_depth, "tokens in the cache before")
      ->capture_default_str();
  app.add_option("--json", options.json_path, "where to write the figures");
  app.add_option("--worst", options.worst, "list so many of the largest regrets");
  app.add_flag("--steps", options.steps, "print every machine and every step of the sweep");
  app.add_flag("--check", options.check,
               "exit with 1 where the sweep or the tuner misses its goals");
  RecordedOptions& recordings = options.recordings;
  recordings.curves_path = fake::published_curves_path();
  app.add_flag("--recorded", options.recorded, "published curves instead of drawn machines");
  app.add_option("--curves", recordings.curves_path, "of --recorded: another file like it")
      ->capture_default_str();
  app.add_option("--curve-id", recordings.curve_id, "of --recorded: this curve only");
  app.add_option("--card", recordings.card, "of --recorded: this card only");
  app.add_option("--seeds", recordings.seeds, "of --recorded: runs of each")->capture_default_str();
  app.add_option("--between-loads", recordings.between_loads,
                 "of --recorded: this spread between loads only (0, 0.02 or 0.05)");
  CLI11_PARSE(app, argc, argv);
  if (!options.recorded) return simulate(options);
  if (app.count("--first") > 0) recordings.first_seed = options.first;
  recordings.only = options.only;
  recordings.workload = options.workload;
  recordings.worst = options.worst;
  recordings.steps = options.steps;
  recordings.check = options.check;
  return simulate_recorded(recordings);
}
