#include "report/tune_settings.hpp"

#include <algorithm>

namespace sweetspot::report {
namespace {

bool counts_more(const Run& run, std::size_t index, std::size_t than) {
  const auto is_the_record = [&](std::size_t one) {
    return run.tune && (run.tune->winner == one || baseline_of(*run.tune) == one);
  };
  if (is_the_record(than)) return false;
  return is_the_record(index) || run.results[index].measured() || !run.results[than].measured();
}

}  // namespace

std::optional<std::size_t> baseline_of(const TuneRecord& tune) {
  for (const TuneRound& round : tune.rounds) {
    if (tune.winner == round.winner) return round.baseline;
  }
  return tune.baseline;
}

bool in_front(const Run& run, const Config& config) {
  const std::vector<FrontPoint>& front = run.tune->front;
  return std::any_of(front.begin(), front.end(), [&](const FrontPoint& point) {
    const Trial* const trial = run.result(point.result);
    return trial != nullptr && trial->config == config;
  });
}

std::vector<TriedSetting> tried_settings(const Run& run) {
  std::vector<TriedSetting> settings;
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Trial& trial = run.results[i];
    const auto known = std::find_if(settings.begin(), settings.end(), [&](const auto& setting) {
      return run.results[setting.result].config == trial.config;
    });
    if (known == settings.end()) {
      settings.push_back({i, trial.title, 1});
      continue;
    }
    ++known->times;
    if (counts_more(run, i, known->result)) known->result = i;
  }
  return settings;
}

}  // namespace sweetspot::report
