// sweetspot launch: the real program with a profile's flags, under watch.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "cli/command.hpp"
#include "cli/connection.hpp"
#include "cli/launch_events.hpp"
#include "cli/launch_options.hpp"
#include "cli/live_view.hpp"
#include "cli/llama_variables.hpp"
#include "cli/print.hpp"
#include "cli/set_source.hpp"
#include "core/text.hpp"
#include "devices/machine.hpp"
#include "export/llama_server.hpp"
#include "launch/launch.hpp"
#include "launch/rungs.hpp"
#include "launch/serving.hpp"
#include "launch/uncounted.hpp"
#include "launch/wanted.hpp"
#include "process/signal_inbox.hpp"
#include "profiles/host_program.hpp"
#include "profiles/limit_threads.hpp"
#include "profiles/make_set.hpp"
#include "profiles/server_now.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kLaunchExamples = R"(
llama-server, llama-cli and llama-completion get flags. Any other program is told through placeholders in
its arguments: {model}, {flags}, {port}, {host}, {rpc}, {profile}, {n_gpu_layers}, {n_ctx}, {n_batch}, ...

Exit codes: those of the program, 128 and the signal's number where one ended it, and
  2    a flag, the command or the address is wrong
  3    the model file cannot be used
  5    no profile fits, or none could be started
  70   internal error, or the program cannot be executed

Examples:
  sweetspot launch model.gguf
  sweetspot launch model.gguf --profile fast -- llama-server --metrics --alias local
  sweetspot launch model.gguf --adapt --port 9000
  sweetspot launch model.gguf --dry-run
  sweetspot launch model.gguf -- llama-cli -p 'Why is the sky blue?'
  sweetspot launch model.gguf -- python3 host.py --model {model} --layers {n_gpu_layers} --port {port}
)";

void note(const Environment& environment, const LaunchOptions& options, const std::string& text) {
  tell(environment.err, launch::Warned{text}, options.json);
}

// The profiles to launch with, and where reports about them go; the path is empty where the set is
// not stored.

// Stored, else planned now, else usual values: a launch ends in something that works.
Result<KeptSet> find_set(const LaunchOptions& options, const Environment& environment,
                         const ModelKey& model, const LiveMachine& live,
                         const profiles::WantedSet& wanted) {
  std::vector<std::string> notes;
  auto kept = stored_set(environment, model, options.rpc, wanted, notes);
  if (!kept) return tl::unexpected(kept.error());
  const std::string path = path_of_set(environment, model, options.rpc);
  std::optional<ProfileSet> set;
  if (*kept) set = (*kept)->set;
  KeptSet known = kept->value_or(KeptSet{{}, path});
  if (must_plan(set, live, wanted.min_ctx, notes)) {
    SetSource source;
    source.model_path = options.model_path;
    source.connection.rpc = options.rpc;
    source.no_store = options.dry_run;
    Result<ProfileSet> planned = plan_now(source, environment, model, wanted.min_ctx, path);
    if (planned) {
      known = {*std::move(planned), path};
      notes.emplace_back("these profiles are planned, not measured: `sweetspot profile` does that");
    } else {
      known = {profiles::default_set(model, live), {}};
      notes.push_back(fmt::format("taking usual values, since no plan could be made: {}",
                                  planned.error().message));
    }
  }
  if (std::string fewer = profiles::limit_threads(known.set, devices::this_machine());
      !fewer.empty()) {
    notes.push_back(std::move(fewer));
  }
  for (const std::string& text : notes) note(environment, options, text);
  return known;
}

// One launch, with what its callbacks need.
class LaunchCommand {
 public:
  LaunchCommand(const LaunchOptions& options, const Environment& environment)
      : options_(options), environment_(environment) {}

  Result<int> run() {
    const Result<profiles::Requirements> wanted = requirements_of(options_.requirements);
    if (!wanted) return tl::unexpected(wanted.error());
    if (const Status rpc = check_rpc(options_); !rpc) return tl::unexpected(rpc.error());
    wanted_ = *wanted;
    Result<launch::Program> program = find_program(options_.command);
    if (!program) return tl::unexpected(program.error());
    wanted_.loader = launch::loader_of(*program);
    Result<launch::ServerAddress> address =
        launch::address_of(*program, {options_.host, options_.port}, options_.api_key);
    if (!address) return tl::unexpected(address.error());
    Result<ModelKey> model = store::model_key(options_.model_path);
    if (!model) return tl::unexpected(model.error());
    model_ = *std::move(model);
    ConnectionOptions connection;
    connection.rpc = options_.rpc;
    view_.emplace(environment_, connection, /*may_wake=*/false);
    for (const std::string& text : view_->notes()) note(environment_, options_, text);
    if (view_->problem()) note(environment_, options_, view_->problem()->message);
    return choose_and_start(*std::move(program), *std::move(address));
  }

 private:
  LiveMachine live() {
    LiveMachine now = view_->now();
    now.model = model_;
    return now;
  }

  Result<int> choose_and_start(launch::Program program, launch::ServerAddress address) {
    const LiveMachine now = live();
    const auto host = host_program_of(options_.requirements, launch::host_program_of(program.kind));
    if (!host) return tl::unexpected(host.error());
    const auto set = wanted_set(options_.requirements, wanted_);
    if (!set) return tl::unexpected(set.error());
    Result<KeptSet> known = find_set(options_, environment_, model_, now, *set);
    if (!known) return tl::unexpected(known.error());
    known_ = *std::move(known);
    known_.set = profiles::for_host(std::move(known_.set), *host);
    if (environment_.cancel != nullptr && environment_.cancel->cancelled()) {
      return error(ErrorKind::interrupted, "interrupted");
    }
    if (wanted_.by_name() && known_.set.find(wanted_.profile) == nullptr) return no_such_profile();
    const profiles::Choice choice = profiles::choose(known_.set, now, wanted_);
    for (const std::string& change : choice.stale)
      note(environment_, options_, "the profiles are stale: " + change);
    if (!choice.usable || !choice.profile) {
      return error(ErrorKind::nothing_measurable, choice.reason,
                   "measure again with `sweetspot profile`, or ask for less");
    }
    launch::Job job = job_of(options_, std::move(program), model_.size_bytes);
    job.address = std::move(address);
    launch::Rungs rungs = launch::rungs_of(known_.set, choice, options_.adapt);
    job.rungs = std::move(rungs.profiles);
    for (SavedProfile& rung : job.rungs) {
      rung.config.server = profiles::server_now(known_.set, rung, now);
    }
    job.first = rungs.first;
    const SavedProfile& first = job.rungs[job.first];
    if (launch::task_of(job.program, first) != launch::Task::completion &&
        !first.config.context.embeddings) {
      note(environment_, options_,
           fmt::format("these profiles are for generating: a server for embeddings may take more "
                       "memory than they say, and takes inputs of {} tokens (--ubatch-size)",
                       launch::piece_of(job.program, first)));
    }
    const auto command = launch::command_for(job.program, job.rungs[job.first], job.model_path,
                                             job.rpc, job.address.listen);
    if (!command) return tl::unexpected(command.error());
    const std::string uncounted = launch::uncounted(job.program, job.rungs[job.first],
                                                    job.model_path, job.rpc, llama_variables());
    if (!uncounted.empty()) note(environment_, options_, uncounted);
    if (options_.dry_run) {
      say(environment_.out, "{}\n", exporting::line_to_paste(*command));
      return 0;
    }
    constexpr std::size_t kMostChars = 1000;
    if (!options_.json)
      say(environment_.err, "sweetspot: {}.\n", printable(choice.reason, kMostChars));
    return start(job, now);
  }

  tl::unexpected<Error> no_such_profile() const {
    std::string names;
    for (const SavedProfile& profile : known_.set.profiles) {
      names += (names.empty() ? "" : ", ") + profile.name;
    }
    return error(ErrorKind::usage,
                 fmt::format("there is no profile '{}'", printable(wanted_.profile)),
                 "the set has: " + names);
  }

  int start(const launch::Job& job, const LiveMachine& first) {
    launch::Surroundings around;
    around.on_event = [this](const launch::Event& event) {
      tell(environment_.err, event, options_.json);
    };
    around.on_report = [this](const LoadReport& report) { keep(report); };
    around.free_bytes = [this, first](const std::string& device) { return free_of(first, device); };
    around.devices = [this] { return view_->statuses(); };
    around.wanted_rung = [this, &job](std::size_t running) {
      return launch::wanted_rung(known_.set, job.rungs, running, live(), wanted_);
    };
    if (options_.adapt && !around.wanted_rung(job.first)) {
      note(environment_, options_,
           "no driver tells what is free on every device of these profiles: --adapt does "
           "nothing");
    }
    process::SignalInbox signals;
    return launch::run(job, around, signals);
  }

  // What drivers say now, else what ggml said before the first start.
  Reading<std::uint64_t> free_of(const LiveMachine& first, const std::string& id) {
    view_->refresh();
    const LiveMachine now = live();
    for (const LiveMachine* machine : {&now, &first}) {
      for (const LiveDevice& device : machine->devices) {
        if (device.id == id && device.memory_free_bytes) return device.memory_free_bytes;
      }
    }
    return Absence{"nobody tells"};
  }

  void keep(const LoadReport& report) {
    known_.set.reports.push_back(report);
    if (known_.path.empty() || known_.set.find(report.profile) == nullptr) return;
    const Status kept = store::add_report(known_.path, report);
    if (!kept)
      note(environment_, options_, "what happened could not be kept: " + kept.error().message);
  }

  const LaunchOptions& options_;
  const Environment& environment_;
  profiles::Requirements wanted_;
  ModelKey model_;
  std::optional<LiveView> view_;
  KeptSet known_;
};

}  // namespace

void add_launch(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<LaunchOptions>();
  app.footer(kLaunchExamples);
  add_launch_options(app, *options);
  app.callback(
      [options, &environment, &outcome] { outcome = LaunchCommand(*options, environment).run(); });
}

}  // namespace sweetspot::cli
