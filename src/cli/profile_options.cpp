#include "cli/profile_options.hpp"

#include <CLI/CLI.hpp>
#include <utility>

#include "cli/layer_list.hpp"

namespace sweetspot::cli {
namespace {

void add_sweep(CLI::App& app, ProfileOptions& options) {
  auto* adaptive = app.add_flag("--adaptive", options.adaptive,
                                "Measure only as many layer counts as needed, predict the rest "
                                "(the default)");
  auto* quick = app.add_flag("--quick", options.quick, "Four layer counts instead of the search");
  auto* full = app.add_flag("--full", options.full, "Seven layer counts instead of the search");
  auto* layers =
      app.add_option(
             "--layers,--n-gpu-layers,--gpu-layers", options.layers,
             "These counts: 0,8,16,-1 or 0-32+8 as in llama-bench; -1 or all = all, auto = the "
             "search (also -ngl)")
          ->type_name("LIST");
  auto* slices =
      app.add_option(
             "--slices", options.slices,
             "Measure a few blocks of the model before it is loaded whole: auto (from 8 GiB "
             "on), always, never, or only (predict every layer count, load nothing whole)")
          ->check(CLI::IsMember({"auto", "always", "never", "only"}))
          ->type_name("WHEN")
          ->capture_default_str()
          ->group("Search");
  slices->excludes(quick)->excludes(full)->excludes(layers);
  adaptive->excludes(quick)->excludes(full)->excludes(layers)->group("Search");
  quick->excludes(full)->excludes(layers)->group("Search");
  full->excludes(layers)->group("Search");
  layers->group("Search");
}

void add_workload(CLI::App& app, ProfileOptions& options) {
  const auto count = [&](const char* flags, std::uint32_t& value, const char* help) {
    app.add_option(flags, value, help)
        ->type_name("N")
        ->check(CLI::Range(0U, 1U << 30U))
        ->capture_default_str()
        ->group("Workload");
  };
  count("-p,--n-prompt", options.workload.n_prompt, "Prompt tokens, 0 = prompts are not measured");
  count("-n,--n-gen", options.workload.n_gen, "Generated tokens");
  count("-d,--n-depth", options.workload.n_depth, "Tokens already in the context");
}

void add_rules(CLI::App& app, ProfileOptions& options) {
  app.add_flag("--try-anyway", options.try_anyway, "Load also what is known not to fit")
      ->group("Profiles");
  app.add_option("--bands", options.bands,
                 "Most GPU memory of fast, balanced and performance in percent")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(3)
      ->type_name("F,B,P")
      ->capture_default_str()
      ->group("Profiles");
}

Result<Bands> make_bands(const std::vector<double>& ends) {
  if (ends.size() != 3 ||
      !(0 < ends[0] && ends[0] <= ends[1] && ends[1] <= ends[2] && ends[2] <= 100)) {
    return error(ErrorKind::usage, "--bands takes three rising percentages up to 100",
                 "the default is 50,70,85");
  }
  return Bands{ends[0], ends[1], ends[2]};
}

profiler::SlicePolicy slices_of(const std::string& text) {
  if (text == "always") return profiler::SlicePolicy::always;
  if (text == "never") return profiler::SlicePolicy::never;
  if (text == "only") return profiler::SlicePolicy::only;
  return profiler::SlicePolicy::automatic;
}

// llama.cpp's "auto" leaves the number of layers to the program, which is what a sweep is for.
bool names_layers(const ProfileOptions& options) {
  return !options.layers.empty() && options.layers != "auto";
}

}  // namespace

void add_profile_options(CLI::App& app, ProfileOptions& options) {
  add_model(app, options.measuring);
  add_sweep(app, options);
  add_knobs(app, options.measuring.knobs);
  add_workload(app, options);
  add_measuring(app, options.measuring);
  add_vram_limit(app, options.measuring, "Profiles");
  add_rules(app, options);
  add_output(app, options.measuring);
  app.add_option("--sort", options.sort, "Order of the rows of --details")
      ->type_name("speed|layers")
      ->check(CLI::IsMember({"speed", "layers"}))
      ->capture_default_str()
      ->group("Output");
  app.add_flag("--no-chart", options.no_chart,
               "Leave out the chart of --details, which needs a terminal and UTF-8")
      ->group("Output");
  add_connection(app, options.measuring.connection);
}

Result<ProfileRequest> make_profile(const ProfileOptions& options, const Environment& environment) {
  const Result<Bands> bands = make_bands(options.bands);
  if (!bands) return tl::unexpected(bands.error());
  ProfileRequest profile;
  profile.mode = sweep_mode(options);
  if (profile.mode == SweepMode::custom) {
    Result<std::vector<int>> layers = parse_layer_list(options.layers);
    if (!layers) return tl::unexpected(layers.error());
    profile.layers = *std::move(layers);
  }
  Result<profiler::Request> request =
      measuring_request(options.measuring, options.workload, environment);
  if (!request) return tl::unexpected(request.error());
  profile.request = *std::move(request);
  profile.request.bands = *bands;
  profile.request.slices = slices_of(options.slices);
  profile.request.try_anyway = options.try_anyway;
  return profile;
}

SweepMode sweep_mode(const ProfileOptions& options) {
  // Only the adaptive sweep uses slices, so asking for them chooses it.
  if (options.adaptive || options.slices != "auto") return SweepMode::adaptive;
  if (options.quick) return SweepMode::quick;
  if (options.full) return SweepMode::full;
  return names_layers(options) ? SweepMode::custom : SweepMode::unasked;
}

report::SortBy sort_of(const ProfileOptions& options) {
  return options.sort == "layers" ? report::SortBy::layers : report::SortBy::speed;
}

}  // namespace sweetspot::cli
