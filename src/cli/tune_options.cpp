#include "cli/tune_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <utility>

#include "app/engines.hpp"
#include "cli/print.hpp"
#include "cli/workload_option.hpp"
#include "core/knobs.hpp"
#include "core/text.hpp"
#include "profiler/setup.hpp"

namespace sweetspot::cli {
namespace {

void add_goal(CLI::App& app, TuneOptions& options) {
  app.add_option("--workload", options.workload,
                 "What a request looks like: chat (256 prompt tokens, 256 generated, 1024 before "
                 "them), rag "
                 "(2048, 256, 0), code (1024, 512, 2048) or agent (512, 256, 6144)")
      ->check(CLI::IsMember(workload_names()))
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Workload");
  const auto count = [&](const char* flags, std::optional<std::uint32_t>& value, const char* help) {
    app.add_option(flags, value, help)
        ->type_name("N")
        ->check(CLI::Range(0U, 1U << 30U))
        ->group("Workload");
  };
  count("-p,--n-prompt", options.n_prompt, "Prompt tokens of a request");
  count("-n,--n-gen", options.n_gen, "Generated tokens of a request");
  count("-d,--n-depth", options.n_depth, "Tokens already in the context when a request comes");
  app.add_option("--objective", options.objective,
                 "What shall be best: the time of a request, generation, the prompt, or energy")
      ->check(CLI::IsMember({"request", "generation", "prompt", "energy"}))
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Workload");
}

void add_constraints(CLI::App& app, TuneOptions& options) {
  const char* group = "Limits";
  app.add_option("--vram-percent", options.vram_percent,
                 "Most of a GPU's memory that may be in use, by other programs too")
      ->check(CLI::Range(1.0, 100.0))
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group(group);
  add_vram_limit(app, options.measuring, group);
  app.add_option("--min-generation-speed", options.min_generation_speed,
                 "Fewest generated tokens per second, of all sequences together")
      ->check(CLI::PositiveNumber)
      ->type_name("TOK/S")
      ->group(group);
  app.add_option("--min-prompt-speed", options.min_prompt_speed, "Fewest prompt tokens per second")
      ->check(CLI::PositiveNumber)
      ->type_name("TOK/S")
      ->group(group);
  app.add_flag("--allow-kv-quant", options.allow_kv_quant,
               "Try smaller K/V cache types; each is checked for what it costs in quality")
      ->group(group);
  app.add_option("--max-divergence", options.max_divergence,
                 "Most that a cache type may change the next token's probabilities (mean "
                 "Kullback-Leibler divergence from f16, nats)")
      ->check(CLI::Range(0.0, 100.0))
      ->type_name("NATS")
      ->capture_default_str()
      ->group(group);
}

// A workload needs room for its cache, its prompt and its answer, in every sequence.
std::uint64_t tokens_of(const Workload& workload, const ContextSettings& context) {
  return (std::uint64_t{workload.n_depth} + workload.n_prompt + workload.n_gen) *
         context.n_parallel;
}

// Where nobody asked for a context, it is as long as the workload needs.
Status set_context(const Workload& workload, bool ctx_given, profiler::Request& request) {
  ContextSettings& context = request.base.context;
  if (context.n_ctx == 0) return {};  // only the model knows what it was trained for
  const std::uint64_t needed = tokens_of(workload, context);
  const bool possible = needed <= std::numeric_limits<std::uint32_t>::max();
  if (needed > context.n_ctx && (ctx_given || !possible)) {
    return tl::unexpected(profiler::context_too_short(needed, context));
  }
  context.n_ctx = std::max(context.n_ctx, static_cast<std::uint32_t>(needed));
  request.n_ctx_is_default = !ctx_given && needed <= ContextSettings{}.n_ctx;
  return {};
}

std::vector<std::string> given_knobs(const KnobTexts& texts) {
  std::vector<std::string> names;
  for (const Knob& knob : knobs()) {
    if (is_given(texts, knob.name)) names.emplace_back(knob.name);
  }
  return names;
}

}  // namespace

void add_tune_options(CLI::App& app, TuneOptions& options) {
  add_model(app, options.measuring);
  // As llama-server's; it is always auto.
  app.add_option("--n-gpu-layers,--gpu-layers", options.layers, "")->group("");
  add_goal(app, options);
  add_constraints(app, options);
  app.add_option("--max-minutes", options.max_minutes,
                 "Longest time to search; the last comparison may take a little more")
      ->check(CLI::Range(0.1, 100000.0))
      ->type_name("MINUTES")
      ->capture_default_str()
      ->group("Precision");
  add_measuring(app, options.measuring);
  add_knobs(app, options.measuring.knobs);
  add_output(app, options.measuring);
  add_connection(app, options.measuring.connection);
}

Result<TuneRequest> make_tune(const TuneOptions& options, const Environment& environment) {
  if (!options.layers.empty() && options.layers != "auto") {
    return error(ErrorKind::usage,
                 fmt::format("tune does not take --n-gpu-layers {}: it looks for the number of "
                             "layers itself",
                             shortened(options.layers)),
                 fmt::format("leave it out, or measure one count: sweetspot profile MODEL -ngl {}",
                             shortened(options.layers)));
  }
  const KnobTexts& given = options.measuring.knobs;
  const Result<Workload> named = parse_workload(options.workload);
  if (!named) return tl::unexpected(named.error());
  const Workload& preset = *named;
  Workload workload;
  workload.n_prompt = options.n_prompt.value_or(preset.n_prompt);
  workload.n_gen = options.n_gen.value_or(preset.n_gen);
  workload.n_depth = options.n_depth.value_or(preset.n_depth);
  Result<profiler::Request> request = measuring_request(options.measuring, workload, environment);
  if (!request) return tl::unexpected(request.error());
  if (auto set = set_context(workload, is_given(given, "n_ctx"), *request); !set) {
    return tl::unexpected(set.error());
  }
  request->as_request = true;
  request->max_divergence = options.max_divergence;
  if (options.objective == "prompt" && workload.n_prompt == 0) {
    return error(ErrorKind::usage, "--objective prompt needs a prompt", "raise --n-prompt");
  }

  TuneRequest tune{*std::move(request), {}};
  tune.job.objective = *from_string<Objective>(options.objective);
  tune.job.constraints.max_vram_percent = options.vram_percent;
  if (options.min_generation_speed > 0) {
    tune.job.constraints.min_generation_tokens_per_second = options.min_generation_speed;
  }
  if (options.min_prompt_speed > 0) {
    tune.job.constraints.min_prompt_tokens_per_second = options.min_prompt_speed;
  }
  tune.job.workload_name = workload == preset ? options.workload : "custom";
  tune.job.max_seconds = options.max_minutes * 60;
  tune.job.allow_kv_quant = options.allow_kv_quant;
  tune.job.fixed_knobs = given_knobs(given);
  const std::vector<std::string> lacked = app::lacked_knobs(environment.workplace);
  tune.job.fixed_knobs.insert(tune.job.fixed_knobs.end(), lacked.begin(), lacked.end());
  if (!lacked.empty()) {
    say(environment.err, "not searched, since the engine cannot be told: {}\n",
        fmt::join(lacked, ", "));
  }
  return tune;
}

}  // namespace sweetspot::cli
