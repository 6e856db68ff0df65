#include "sweep_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "answers.hpp"
#include "core/no_device.hpp"
#include "core/sweep_record.hpp"
#include "pretended_site.hpp"
#include "profiler/profiler.hpp"
#include "truth.hpp"

namespace sweetspot::simulation {
namespace {

std::string in_words(const Trial& trial, const fake::Machine& machine, const Workload& work) {
  std::string text = fmt::format("{} layers, {}", trial.layers, to_string(trial.extent));
  if (trial.vram_percent) text += fmt::format(", {:.1f} %", *trial.vram_percent);
  if (trial.failure) return text + ": " + std::string(to_string(trial.failure->failure_class));
  text += fmt::format(": {:.2f} ms, truly {:.2f} ms", trial.generation->ms_per_token.value,
                      true_generation_ms(machine, trial.config, work));
  for (const Disturbance disturbance : trial.disturbances) {
    text += fmt::format(", {}", to_string(disturbance));
  }
  return text;
}

const Decision* find_decision(const SweepRecord& record, const char* name) {
  const auto found = std::find_if(record.decisions.begin(), record.decisions.end(),
                                  [&](const Decision& decision) { return decision.name == name; });
  return found == record.decisions.end() ? nullptr : &*found;
}

Answers answers_of(const SweepRecord& record) {
  Answers answers;
  for (std::size_t k = 0; k < kDecisions.size(); ++k) {
    if (const Decision* decision = find_decision(record, kDecisions[k])) {
      answers[k] = decision->layers;
    }
  }
  return answers;
}

// The optimum is no profile of its own: it counts where a band's profile is asked for.
Answers answers_of(const std::vector<Profile>& profiles) {
  Answers answers;
  for (std::size_t k = 0; k < kDecisions.size(); ++k) {
    for (const Profile& profile : profiles) {
      if (profile.name == kDecisions[k] && profile.result_index) {
        answers[k] = profile.n_gpu_layers;
      }
    }
  }
  return answers;
}

Intervals intervals_of(const SweepRecord& record, const fake::Machine& machine,
                       const Workload& work) {
  Intervals seen;
  int least_measured = machine.offloadable() + 1;
  for (const CurvePoint& point : record.curve) {
    if (point.standing == Standing::measured && point.layers > 0) {
      least_measured = std::min(least_measured, point.layers);
    }
  }
  for (const CurvePoint& point : record.curve) {
    if (point.standing != Standing::predicted || !point.generation_ms) continue;
    const double truth = true_generation_ms(machine, with_layers(point.layers), work);
    const int held =
        point.generation_ms->low <= truth && truth <= point.generation_ms->high ? 1 : 0;
    ++seen.all;
    seen.held += held;
    if (point.layers >= least_measured) continue;
    ++seen.below;
    seen.below_held += held;
  }
  return seen;
}

// Truly: what noise makes of two that are equal is no fault.
int count_dominated(const std::vector<Profile>& profiles, const fake::Machine& machine,
                    const Workload& work, double tolerance) {
  const auto ms = [&](const Profile& profile) {
    return true_generation_ms(machine, with_layers(profile.n_gpu_layers), work);
  };
  return static_cast<int>(
      std::count_if(profiles.begin(), profiles.end(), [&](const Profile& profile) {
        return profile.result_index &&
               std::any_of(profiles.begin(), profiles.end(), [&](const Profile& other) {
                 return other.result_index && other.n_gpu_layers < profile.n_gpu_layers &&
                        ms(other) < (1 - tolerance) * ms(profile);
               });
      }));
}

std::string step_in_words(const Trial& trial) {
  return fmt::format("{} layers, {}: {}", trial.layers, to_string(trial.extent), trial.reason);
}

}  // namespace

SweepResult sweep_search(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                         const Bands& bands) {
  fake::Session session(machine, seed);
  auto site = std::make_unique<PretendedSite>(machine, session, rules.driver);
  profiler::Prepared prepared = prepare(machine, *site, rules, bands, {});
  profiler::Profiler profiler(std::move(prepared), std::move(site));
  const Run run = profiler.run_adaptively({}).run;
  const SweepRecord& record = *run.sweep;
  const VramView vram(machine, rules.driver);
  SweepResult result;
  result.decisions.effort = result.profiles.effort = effort_of(run.results.size(), session);
  result.loads_beside = static_cast<int>(
      std::count_if(run.results.begin(), run.results.end(), [](const Trial& trial) {
        return trial.layers == 0 && !uses_no_device(trial.config.placement);
      }));
  judge_answers(machine, vram, rules.workload, bands, answers_of(record), result.decisions);
  judge_answers(machine, vram, rules.workload, bands, answers_of(run.profiles), result.profiles);
  for (const Trial& trial : run.results) {
    result.steps.push_back(step_in_words(trial));
    result.results.push_back(in_words(trial, machine, rules.workload));
  }
  for (const Profile& profile : run.profiles) {
    result.results.push_back(
        fmt::format("{}: {}", profile.name,
                    profile.result_index ? std::to_string(profile.n_gpu_layers) : profile.reason));
  }
  result.intervals = intervals_of(record, machine, rules.workload);
  result.dominated = count_dominated(run.profiles, machine, rules.workload, record.tolerance);
  const Answers decided = answers_of(record);
  const Answers recommended = answers_of(run.profiles);
  for (std::size_t k = 0; k < kDecisions.size(); ++k) {
    if (!recommended[k] && std::string(kDecisions[k]) == "optimum") continue;
    if (decided[k] != recommended[k]) {
      ++result.disagree;
      result.results.push_back(fmt::format("{}: {} was decided", kDecisions[k],
                                           decided[k] ? std::to_string(*decided[k]) : "nothing"));
    }
    if (recommended[k] && !machine.is_safe(with_layers(*recommended[k]))) ++result.beyond_cliff;
  }
  if (result.profiles.regrets.erase("optimum") > 0) --result.profiles.missed;
  for (const auto& [name, regret] : result.decisions.regrets) {
    const Decision* decision = find_decision(record, name.c_str());
    if (decision == nullptr || !decision->settled) continue;
    ++result.settled;
    result.settled_wrong += static_cast<int>(regret > record.tolerance);
  }
  return result;
}

}  // namespace sweetspot::simulation
