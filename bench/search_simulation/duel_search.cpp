#include "duel_search.hpp"

#include <cmath>
#include <optional>

#include "core/no_device.hpp"
#include "machine/dice.hpp"
#include "machine/machine.hpp"
#include "machine/random_pair.hpp"
#include "pretended_site.hpp"
#include "shaking.hpp"
#include "truth.hpp"

namespace sweetspot::simulation {
namespace {

constexpr double kSlowestDuelTokenMs = 300;

// Without a device the processor's speed alone decides.
Config on_the_cpu() { return {cpu_alone({}), {}}; }

fake::Parts faster_by(fake::Parts parts, double factor) {
  parts.processor.bandwidth_gb_s *= factor;
  parts.processor.gflops_per_core *= factor;
  return parts;
}

double true_ms(const fake::Parts& parts) {
  return true_generation_ms(fake::Machine(parts), on_the_cpu(), {});
}

/// The same machine with an engine that is `ratio` times as fast; nothing where no processor is.
std::optional<fake::Parts> other_engine(const fake::Parts& parts, double ratio) {
  double low = 0.5;
  double high = 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (true_ms(parts) / true_ms(faster_by(parts, middle)) < ratio ? low : high) = middle;
  }
  const bool met = std::abs(true_ms(parts) / true_ms(faster_by(parts, low)) / ratio - 1) < 1e-4;
  return met ? std::optional(faster_by(parts, low)) : std::nullopt;
}

}  // namespace

DuelSearch duel_search(std::uint64_t seed, double ratio, const profiler::DuelRules& rules) {
  DuelSearch outcome;
  fake::Dice dice(seed);
  fake::Parts parts = fake::random_pair(seed, {true});
  parts.disturbance = shaking(dice);
  parts.device.integrated = false;
  const auto other = other_engine(parts, ratio);
  if (!other || true_ms(parts) > kSlowestDuelTokenMs) return outcome;
  const fake::Machine machine_a(parts);
  const fake::Machine machine_b(*other);
  fake::Session session_a(machine_a, seed);
  fake::Session session_b = session_a.beside(machine_b);
  PretendedSite site_a(machine_a, session_a, true);
  PretendedSite site_b(machine_b, session_b, true);
  const profiler::Prepared a = prepare(machine_a, site_a, {}, {}, on_the_cpu());
  const profiler::Prepared b = prepare(machine_b, site_b, {}, {}, on_the_cpu());
  const double begin = session_a.state().seconds;
  const profiler::DuelOutcome duel =
      profiler::duel({a, site_a}, {b, site_b}, on_the_cpu(), rules, profiler::Observer());
  const auto found = profiler::ratio_over(duel.rounds, &profiler::DuelRound::generation);
  outcome.took_place = found.has_value();
  if (!found) return outcome;
  outcome.slower = found->high < 1;
  outcome.faster = found->low > 1;
  outcome.rounds = static_cast<int>(duel.rounds.size());
  outcome.seconds = session_a.state().seconds - begin;
  outcome.ratio = *found;
  outcome.in_turn = duel.rounds.back().in_turn;
  return outcome;
}

}  // namespace sweetspot::simulation
