#include "tallies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sweetspot::simulation {
namespace {

struct Spread {
  double median = 0;
  double p95 = 0;
  double mean = 0;
  double worst = 0;
  std::size_t count = 0;
};

Spread spread_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {quantile(values, 0.5), quantile(values, 0.95), sum / static_cast<double>(values.size()),
          *std::max_element(values.begin(), values.end()), values.size()};
}

template <typename Value>
std::vector<double> each(const Tally& tally, Value value) {
  std::vector<double> values;
  values.reserve(tally.outcomes.size());
  for (const SearchOutcome& outcome : tally.outcomes) values.push_back(value(outcome));
  return values;
}

/// All regrets by question, and all together under "all".
std::map<std::string, std::vector<double>> regrets_of(const Tally& tally) {
  std::map<std::string, std::vector<double>> all;
  for (const SearchOutcome& outcome : tally.outcomes) {
    for (const auto& [question, regret] : outcome.regrets) {
      all[question].push_back(100 * regret);
      all["all"].push_back(100 * regret);
    }
  }
  return all;
}

Json json_of(const Spread& spread) {
  return {{"median", spread.median},
          {"p95", spread.p95},
          {"mean", spread.mean},
          {"worst", spread.worst},
          {"count", spread.count}};
}

/// Least first, so that "at least so fast for 95 %" reads off; empty where nobody asked.
std::vector<double> speed_ups(const Tally& tally) {
  std::vector<double> values;
  for (const SearchOutcome& outcome : tally.outcomes) {
    if (outcome.speed_up > 0) values.push_back(outcome.speed_up);
  }
  std::sort(values.begin(), values.end());
  return values;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double part = at - static_cast<double>(below);
  return values[below] + part * (values[above] - values[below]);
}

Json to_json(const Tally& tally) {
  Json json = {{"search", tally.name}, {"machines", tally.outcomes.size()}};
  for (const auto& [question, regrets] : regrets_of(tally)) {
    json["regret_percent"][question] = json_of(spread_of(regrets));
  }
  json["trials"] = json_of(spread_of(each(tally, [](const auto& o) { return o.effort.trials; })));
  json["loads"] = json_of(spread_of(each(tally, [](const auto& o) { return o.effort.loads; })));
  json["virtual_seconds"] =
      json_of(spread_of(each(tally, [](const auto& o) { return o.effort.seconds; })));
  if (const auto gains = speed_ups(tally); !gains.empty()) {
    json["speed_up_over_defaults"] = {{"least", gains.front()},
                                      {"p5", quantile(gains, 0.05)},
                                      {"median", quantile(gains, 0.5)},
                                      {"p95", quantile(gains, 0.95)}};
  }
  json["missed"] = sum_of(each(tally, [](const auto& o) { return o.missed; }));
  json["left_empty"] = sum_of(each(tally, [](const auto& o) { return o.left_empty; }));
  json["unsafe"] = sum_of(each(tally, [](const auto& o) { return o.unsafe; }));
  return json;
}

Json worst_json(const Tally& tally, std::size_t count) {
  Json all = Json::array();
  for (const SearchOutcome& outcome : tally.outcomes) {
    for (const auto& [question, regret] : outcome.regrets) {
      if (regret <= 0) continue;
      Json one = {{"seed", outcome.seed}, {"question", question}, {"regret_percent", 100 * regret}};
      if (outcome.tried_regret) one["best_tried_percent"] = 100 * *outcome.tried_regret;
      if (!outcome.machine.empty()) one["machine"] = outcome.machine;
      all.push_back(std::move(one));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Json& a, const Json& b) {
    return a["regret_percent"].get<double>() > b["regret_percent"].get<double>();
  });
  while (all.size() > count) all.erase(all.size() - 1);
  return all;
}

std::string to_text(const Tally& tally) {
  std::string text = fmt::format("{}: {} machines\n", tally.name, tally.outcomes.size());
  for (const auto& [question, regrets] : regrets_of(tally)) {
    const Spread s = spread_of(regrets);
    text += fmt::format(
        "  regret {:<12} median {:6.2f} %  p95 {:6.2f} %  mean {:6.2f} %  worst "
        "{:6.1f} %  ({} answers)\n",
        question, s.median, s.p95, s.mean, s.worst, s.count);
  }
  const auto line = [&](const char* what, const std::vector<double>& values) {
    const Spread s = spread_of(values);
    text += fmt::format("  {:<19} median {:6.0f}    p95 {:6.0f}    mean {:6.1f}\n", what, s.median,
                        s.p95, s.mean);
  };
  line("trials", each(tally, [](const auto& o) { return o.effort.trials; }));
  line("loads", each(tally, [](const auto& o) { return o.effort.loads; }));
  line("virtual seconds", each(tally, [](const auto& o) { return o.effort.seconds; }));
  if (const auto gains = speed_ups(tally); !gains.empty()) {
    text += fmt::format(
        "  speed-up over {} defaults that keep to the limit: least {:.2f}  p5 {:.2f}  median "
        "{:.2f}  p95 "
        "{:.2f}\n",
        gains.size(), gains.front(), quantile(gains, 0.05), quantile(gains, 0.5),
        quantile(gains, 0.95));
  }
  text += fmt::format("  missed {:.0f}, left empty {:.0f}, unsafe {:.0f}\n",
                      sum_of(each(tally, [](const auto& o) { return o.missed; })),
                      sum_of(each(tally, [](const auto& o) { return o.left_empty; })),
                      sum_of(each(tally, [](const auto& o) { return o.unsafe; })));
  return text;
}

}  // namespace sweetspot::simulation
