#include "bench.hpp"

#include <algorithm>
#include <utility>

#include "core/no_device.hpp"
#include "measure/speed.hpp"
#include "measure/stopping_rule.hpp"
#include "measure/trial_limits.hpp"
#include "profiles/spill.hpp"

namespace sweetspot::simulation {
namespace {

// profiler/trial_runner.cpp's and profiler/watch.hpp's.
constexpr std::uint32_t kTokensPerPass = 32;
constexpr int kRetries = 2;
constexpr double kCoolDownSeconds = 10;

double percent_of(const fake::Machine& machine, double ours) {
  const double total = static_cast<double>(machine.device_total_bytes());
  const double others = total - static_cast<double>(machine.device_free_bytes());
  return 100 * (others + ours) / total;
}

}  // namespace

Bench::Bench(const fake::Machine& machine, std::uint64_t seed, BenchRules rules)
    : machine_(machine), rules_(rules), session_(machine, seed) {}

double Bench::visible_percent(const Config& config) const {
  if (uses_no_device(config.placement)) return 0;
  if (!rules_.driver) return predicted_percent(config);
  return percent_of(machine_, static_cast<double>(machine_.device_need(config).first_decode_bytes));
}

double Bench::predicted_percent(const Config& config) const {
  if (uses_no_device(config.placement)) return 0;
  return percent_of(machine_, static_cast<double>(offloaded_bytes(machine_.memory(config))));
}

std::uint64_t Bench::missing_bytes(const Config& config) const {
  const std::uint64_t need = offloaded_bytes(machine_.memory(config));
  const std::uint64_t free = machine_.device_free_bytes();
  return need > free ? need - free : 0;
}

Trial Bench::measure(const Config& config, Extent extent, double rival_ms) {
  ++effort_.trials;
  Trial trial;
  trial.config = config;
  trial.workload = rules_.workload;
  trial.extent = extent;
  trial.layers = effective_layers(config.placement.n_gpu_layers, machine_.offloadable());
  trial.requested_layers = {config.placement.n_gpu_layers};
  trial.vram_percent = trial.load_seconds = Absence{"nothing was loaded"};
  trial.full_depth_note = "the trial ended before";
  if (const auto ready = set_up(trial); !ready) {
    trial.failure = ready.error();
    loaded_.reset();
    standing_.reset();
  } else {
    trial.full_depth_note = "only its speeds were measured";
    measure_undisturbed(trial, true, extent != Extent::generation_only, rival_ms);
    if (extent == Extent::full) verify_full_depth(trial);
    finish(trial);
  }
  effort_.seconds = session_.state().seconds;
  return trial;
}

bool Bench::complete(Trial& trial) {
  if (!trial.measured() || !standing_ || !(*standing_ == trial.config)) return false;
  trial.extent = Extent::full;
  const bool precise =
      measure::is_precise(*trial.generation, {rules_.precision, rules_.max_seconds});
  if (!precise || !trial.prompt) measure_undisturbed(trial, !precise, !trial.prompt);
  verify_full_depth(trial);
  effort_.seconds = session_.state().seconds;
  return true;
}

Outcome<void> Bench::load(Trial& trial) {
  const Placement& placement = trial.config.placement;
  if (loaded_ && *loaded_ == placement) {
    trial.load_seconds = 0.0;
    return {};
  }
  ++effort_.loads;
  loaded_.reset();
  const auto seconds = session_.load(placement);
  if (!seconds) return tl::unexpected(seconds.error());
  trial.load_seconds = *seconds;
  loaded_ = placement;
  return {};
}

Outcome<void> Bench::set_up(Trial& trial) {
  standing_.reset();
  if (auto loaded = load(trial); !loaded) return loaded;
  if (const auto made = session_.context(trial.config.context); !made) {
    return tl::unexpected(made.error());
  }
  if (const auto decoded = session_.first_decode(); !decoded) {
    return tl::unexpected(decoded.error());
  }
  standing_ = trial.config;
  trial.memory = machine_.memory(trial.config);
  const ContextSettings& asked = trial.config.context;
  const int threads = machine_.threads(trial.config);
  trial.effective = {trial.layers,
                     asked.n_ctx,
                     asked.n_batch,
                     std::min(asked.n_ubatch, asked.n_batch),
                     threads,
                     asked.n_threads_batch == 0 ? threads : asked.n_threads_batch,
                     std::string(machine_.uses_flash_attention(trial.config) ? "on" : "off"),
                     asked.type_k,
                     asked.type_v};
  return {};
}

std::optional<Speed> Bench::measure_speed(bool prompt, const measure::StoppingOptions& options) {
  const Workload& work = rules_.workload;
  const std::uint32_t per_pass = std::min(work.n_gen, kTokensPerPass);
  const std::uint32_t cache = prompt ? work.n_depth : work.n_depth + (work.n_gen - per_pass) / 2;
  measure::StoppingRule rule(options);
  if (!session_.fill(cache)) return std::nullopt;
  std::vector<Sample> samples;
  while (!rule.is_finished()) {
    const auto in_pass = static_cast<std::uint32_t>(samples.size()) % std::max(per_pass, 1U);
    samples.push_back(prompt ? session_.prompt(work.n_prompt, cache)
                             : session_.generate(cache + in_pass));
    rule.add(samples.back());
  }
  Reading<Speed> speed = measure::make_speed(std::move(samples), rule.summary());
  return speed ? std::optional<Speed>(*speed) : std::nullopt;
}

void Bench::measure_generation(Trial& trial, double rival_ms) {
  const measure::TrialLimits limits{rules_.precision, rules_.max_seconds};
  trial.generation = measure_speed(
      false, measure::generation_options(limits, rules_.workload, trial.extent, rival_ms));
}

void Bench::measure_prompt(Trial& trial) {
  if (rules_.workload.n_prompt == 0 || !trial.generation) return;
  trial.prompt =
      measure_speed(true, measure::prompt_options({rules_.precision, rules_.max_seconds}));
}

void Bench::verify_full_depth(Trial& trial) {
  const ContextSettings& context = trial.config.context;
  const std::uint32_t ubatch = std::min({context.n_ubatch, context.n_batch, context.n_ctx - 1});
  const bool decodes_all = machine_.model().hybrid;
  const std::uint32_t tokens = decodes_all ? context.n_ctx : std::min(context.n_ctx, 2 * ubatch);
  if (trial.prompt &&
      tokens / trial.prompt->tokens_per_second.value > rules_.full_depth_budget_seconds) {
    trial.full_depth_note = "would take too long";
    return;
  }
  if (decodes_all) static_cast<void>(session_.fill(context.n_ctx - 1));
  session_.prompt(ubatch, context.n_ctx - 1 - ubatch);
  session_.generate(context.n_ctx - 1);
  trial.full_depth = FullDepth::verified;
  trial.full_depth_note = "pretended";
}

// What a driver would tell; without one nobody does.
bool Bench::is_throttled(const Trial& trial) const {
  return trial.layers > 0 && rules_.driver && session_.conditions().device_slowdown > 1;
}

void Bench::measure_undisturbed(Trial& trial, bool generation, bool prompt, double rival_ms) {
  for (int attempt = 0;; ++attempt) {
    const bool before = is_throttled(trial);
    if (generation) measure_generation(trial, rival_ms);
    if (prompt) measure_prompt(trial);
    if (!before && !is_throttled(trial)) return;
    if (attempt == kRetries) break;
    session_.wait(kCoolDownSeconds);
  }
  trial.mark(Disturbance::throttled);
}

void Bench::finish(Trial& trial) const {
  trial.vram_percent = visible_percent(trial.config);
  const double total = static_cast<double>(machine_.device_total_bytes());
  const double others = total - static_cast<double>(machine_.device_free_bytes());
  trial.used_by_others_bytes = static_cast<std::uint64_t>(others);
  trial.vram_used_bytes =
      uses_no_device(trial.config.placement)
          ? 0
          : static_cast<std::uint64_t>(*trial.vram_percent / 100 * total - others);
  trial.vram_source = rules_.driver ? "driver" : "llama.cpp";
}

void mark_spills(std::vector<Trial>& trials) {
  for (const profiles::Spill& spill : profiles::find_spills(trials)) {
    trials[spill.index].mark(Disturbance::spilled);
  }
}

}  // namespace sweetspot::simulation
