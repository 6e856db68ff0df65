// sweetspot choose: what to load now.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/choice_json.hpp"
#include "cli/choose_options.hpp"
#include "cli/environment.hpp"
#include "cli/live_view.hpp"
#include "cli/print.hpp"
#include "cli/set_source.hpp"
#include "core/text.hpp"
#include "devices/machine.hpp"
#include "profiles/choose.hpp"
#include "profiles/host_program.hpp"
#include "profiles/limit_threads.hpp"
#include "profiles/server_now.hpp"
#include "report/choice_report.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kChooseExamples = R"help(
Profiles that `profile` and `tune` measured are used; without them llama.cpp's own memory maps make a set, which is
marked as planned. Exit code 5: nothing may be loaded now.

Examples:
  sweetspot choose model.gguf
  sweetspot choose model.gguf --min-ctx 8192 --prefer memory
  sweetspot choose model.gguf --format ollama > Modelfile
  eval "llama-server $(sweetspot choose model.gguf --format llama-server)"
)help";

/// What is chosen from, and what has to be said of it.
struct Basis {
  ProfileSet set;
  LiveMachine live;
  std::vector<std::string> notes;
};

Result<Basis> find_basis(const ChooseOptions& options, const Environment& environment,
                         const ChooseRequest& request) {
  const Result<ModelKey> key = store::model_key(options.model_path);
  if (!key) return tl::unexpected(key.error());
  Basis basis;
  const SetSource source = {options.model_path, options.connection, options.no_store};
  const std::string path = path_of_set(environment, *key, options.connection.rpc);
  auto kept = stored_set(environment, *key, options.connection.rpc, request.set, basis.notes);
  if (!kept) return tl::unexpected(kept.error());
  std::optional<ProfileSet> set;
  if (*kept) set = std::move((*kept)->set);
  LiveView view(environment, options.connection, /*may_wake=*/!set.has_value());
  if (view.problem()) return tl::unexpected(*view.problem());
  basis.live = view.now();
  basis.live.model = *key;
  const std::uint32_t min_ctx = request.wanted.min_ctx;
  if (must_plan(set, basis.live, min_ctx, basis.notes)) {
    Result<ProfileSet> planned = plan_now(source, environment, *key, min_ctx, path);
    if (!planned) return tl::unexpected(planned.error());
    set = *std::move(planned);
  }
  if (set->origin == Origin::planned) {
    basis.notes.emplace_back(
        "These profiles are planned, not measured: the memory is llama.cpp's own answer, no speed "
        "is known; sweetspot profile measures them");
  }
  basis.set = profiles::for_host(*std::move(set), request.host_program);
  std::string fewer = profiles::limit_threads(basis.set, devices::this_machine());
  if (!fewer.empty()) basis.notes.push_back(std::move(fewer));
  return basis;
}

// Who will load what is chosen: llama-server where nobody else is meant.
Loader loader_for(const std::optional<exporting::Format>& format) {
  using exporting::Format;
  if (!format || *format == Format::llama_server || *format == Format::env ||
      *format == Format::llama_server_ini || *format == Format::llama_swap) {
    return {"llama-server", {}};
  }
  return {std::string(to_string(*format)), {}};
}

std::string backend_of(const ProfileSet& set, const SavedProfile& profile) {
  if (profile.is_cpu_only()) return "CPU";
  if (!profile.needs || profile.needs->empty()) return {};
  for (const SetDevice& device : set.devices) {
    if (device.id == profile.needs->front().device) return device.backend;
  }
  return {};
}

Result<int> print_export(const Environment& environment, exporting::Format format,
                         const Basis& basis, std::size_t chosen, const std::string& model_path) {
  const SavedProfile& profile = basis.set.profiles[chosen];
  exporting::ExportJob job;
  job.config = profile.config;
  job.config.server = profiles::server_now(basis.set, profile, basis.live);
  job.model_path = model_path;
  job.model_name = basis.set.model_name;
  if (!profile.is_cpu_only()) job.rpc = basis.set.rpc;
  job.offloadable_layers = basis.set.offloadable_layers;
  job.backend = backend_of(basis.set, profile);
  const Result<exporting::Exported> document = exporting::export_as(format, job);
  if (!document) return tl::unexpected(document.error());
  for (const auto* notes : {&basis.notes, &document->notes}) {
    for (const std::string& note : *notes) {
      say(environment.err, "sweetspot: note: {}.\n", printable(note, 1000));
    }
  }
  return print_all(environment, document->text);
}

report::ChoiceView view_of(const Basis& basis, const profiles::Choice& choice) {
  report::ChoiceView view;
  view.set = &basis.set;
  // Where nothing fits the reason repeats what the rows below it say.
  view.reason =
      choice.passed.empty() || choice.profile ? choice.reason : "nothing may be loaded now";
  view.stale = choice.stale;
  view.notes = basis.notes;
  for (const SavedProfile& profile : basis.set.profiles) view.rows.push_back({&profile, {}, {}});
  for (report::ChoiceRow& row : view.rows) row.state = report::ChoiceState::not_asked;
  if (choice.profile) view.rows[*choice.profile].state = report::ChoiceState::chosen;
  for (const profiles::Rung& rung : choice.below) {
    view.rows[rung.profile].state = report::ChoiceState::fits;
  }
  for (const profiles::Rung& rung : choice.passed) {
    view.rows[rung.profile].state = report::ChoiceState::passed;
    view.rows[rung.profile].why_not = rung.why_not;
  }
  return view;
}

Result<int> nothing_fits(const profiles::Choice& choice) {
  return error(ErrorKind::nothing_measurable, choice.reason, "free memory, or ask for less");
}

Result<int> choose(const ChooseOptions& options, const Environment& environment) {
  Result<ChooseRequest> request = choose_request(options);
  if (!request) return tl::unexpected(request.error());
  request->wanted.loader = loader_for(request->format);
  const Result<Basis> basis = find_basis(options, environment, *request);
  if (!basis) return tl::unexpected(basis.error());
  const profiles::Choice choice = profiles::choose(basis->set, basis->live, request->wanted);
  if (request->wanted.by_name() && basis->set.find(options.requirements.profile) == nullptr) {
    return error(ErrorKind::usage, "--profile: " + choice.reason);
  }
  if (request->format) {
    if (!choice.profile) return nothing_fits(choice);
    return print_export(environment, *request->format, *basis, *choice.profile,
                        basis->live.model->path);
  }
  Result<int> printed =
      options.json
          ? print_all(environment, dump(choice_to_json(basis->set, choice, basis->notes), 2) + "\n")
          : print_all(environment,
                      report::choice_text(view_of(*basis, choice), stdout_style(environment)));
  if (!printed || choice.profile) return printed;
  return error(ErrorKind::nothing_measurable, "nothing may be loaded now",
               "free memory, or ask for less");
}

}  // namespace

void add_choose(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ChooseOptions>();
  app.footer(kChooseExamples);
  add_choose_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = choose(*options, environment); });
}

}  // namespace sweetspot::cli
