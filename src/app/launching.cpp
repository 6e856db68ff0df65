#include "app/launching.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "app/choosing.hpp"
#include "core/text.hpp"
#include "devices/machine.hpp"
#include "export/llama_server.hpp"
#include "launch/rungs.hpp"
#include "launch/serving.hpp"
#include "launch/wanted.hpp"
#include "process/signal_inbox.hpp"
#include "profiles/host_program.hpp"
#include "profiles/limit_threads.hpp"
#include "profiles/make_set.hpp"
#include "profiles/server_now.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::app {
namespace {

// One line, with the command that would tell whether it matters.
std::string changed_since(const ProfileSet& set, const profiles::Choice& choice,
                          const std::string& model_path) {
  std::string text = fmt::format("the profiles are stale: {}", fmt::join(choice.stale, "; "));
  if (set.origin != Origin::measured || !choice.usable) return text;
  return text.append("; does it still hold? sweetspot check ")
      .append(exporting::line_to_paste({model_path}));
}

}  // namespace

launch::Job job_of(const LaunchRequest& request, launch::ServerAddress address,
                   std::uint64_t model_bytes) {
  launch::Job job;
  job.program = request.program;
  job.loader = launch::loader_of(job.program);
  job.model_path = request.model_path;
  job.rpc = request.rpc;
  job.address = std::move(address);
  job.limits = request.limits;
  if (job.limits.load_seconds <= 0) job.limits.load_seconds = launch::load_seconds_for(model_bytes);
  job.watch = request.watch;
  job.adapt = request.adapt;
  job.probe = request.probe;
  return job;
}

Launching::Launching(LaunchRequest request, launch::Observer on_event)
    : request_(std::move(request)), workplace_(request_.workplace), on_event_(std::move(on_event)) {
  request_.wanted.loader = launch::loader_of(request_.program);
}

void Launching::note(std::string text) const {
  if (on_event_) on_event_(launch::Warned{std::move(text)});
}

LiveMachine Launching::live() {
  LiveMachine now = view_->now();
  now.model = model_;
  return now;
}

Status Launching::prepare() {
  Result<launch::ServerAddress> address =
      launch::address_of(request_.program, request_.listen, request_.api_key);
  if (!address) return tl::unexpected(address.error());
  Result<ModelKey> model = store::model_key(request_.model_path);
  if (!model) return tl::unexpected(model.error());
  model_ = *std::move(model);
  view_.emplace(workplace_, Connection{request_.rpc}, /*may_wake=*/false);
  for (const std::string& text : request_.notes) note(text);
  for (const std::string& text : view_->notes()) note(text);
  if (view_->problem()) note(view_->problem()->message);
  first_ = live();
  Result<FoundSet> found = find_set();
  if (!found) return tl::unexpected(found.error());
  known_ = *std::move(found);
  known_.set = profiles::for_host(std::move(known_.set), request_.host_program);
  if (workplace_.cancelled()) return error(ErrorKind::interrupted, "interrupted");
  return choose(*std::move(address));
}

// The stored set, else one that is planned now, else usual values, so that there always is a
// profile to launch.
Result<FoundSet> Launching::find_set() {
  SetSource source;
  source.model_path = request_.model_path;
  source.key = model_;
  source.connection.rpc = request_.rpc;
  source.wanted = request_.set;
  source.keep_plan = request_.keep_plan;
  source.on_measuring = request_.on_measuring;
  std::vector<std::string> notes;
  Result<std::optional<FoundSet>> found = stored_set(source, workplace_, notes);
  if (!found) return tl::unexpected(found.error());
  if (must_plan(*found, first_, request_.set.min_ctx, notes)) {
    Result<FoundSet> planned = plan_now(source, workplace_);
    if (planned) {
      *found = *std::move(planned);
      notes.emplace_back("these profiles are planned, not measured: `sweetspot profile` does that");
    } else {
      *found = FoundSet{profiles::default_set(model_, first_), {}};
      notes.push_back(fmt::format("taking usual values, since no plan could be made: {}",
                                  planned.error().message));
    }
  }
  FoundSet known = **std::move(found);
  if (std::string fewer = profiles::limit_threads(known.set, devices::this_machine());
      !fewer.empty()) {
    notes.push_back(std::move(fewer));
  }
  for (std::string& text : notes) note(std::move(text));
  return known;
}

Status Launching::choose(launch::ServerAddress address) {
  const profiles::Requirements& wanted = request_.wanted;
  if (wanted.by_name() && known_.set.find(wanted.profile) == nullptr) {
    return tl::unexpected(no_such_profile(known_.set, wanted));
  }
  const profiles::Choice choice = profiles::choose(known_.set, first_, wanted);
  if (!choice.stale.empty()) note(changed_since(known_.set, choice, request_.model_path));
  if (!choice.usable) {
    return error(ErrorKind::nothing_measurable, choice.reason,
                 "measure again with `sweetspot profile`");
  }
  if (!choice.profile) return tl::unexpected(nothing_to_load(known_.set, choice, wanted));
  reason_ = choice.reason;
  job_ = job_of(request_, std::move(address), model_.size_bytes);
  launch::Rungs rungs = launch::rungs_of(known_.set, choice, request_.adapt.has_value());
  job_.rungs = std::move(rungs.profiles);
  for (SavedProfile& rung : job_.rungs) {
    rung.config.server = profiles::server_now(known_.set, rung, first_);
  }
  job_.first = rungs.first;
  return make_command();
}

Status Launching::make_command() {
  const SavedProfile& first = job_.rungs[job_.first];
  if (launch::task_of(job_.program, first) != launch::Task::completion &&
      !first.config.context.embeddings) {
    note(
        fmt::format("these profiles are for generating: a server for embeddings may take more "
                    "memory than they say, and takes inputs of {} tokens (--ubatch-size)",
                    launch::piece_of(job_.program, first)));
  }
  for (const std::string& lack : launch::untold(job_.program, first)) {
    note(fmt::format("the engine cannot be told all of this profile: {}", lack));
  }
  auto command =
      launch::command_for(job_.program, first, job_.model_path, job_.rpc, job_.address.listen);
  if (!command) return tl::unexpected(command.error());
  command_ = *std::move(command);
  std::string uncounted =
      launch::uncounted(job_.program, first, job_.model_path, job_.rpc, request_.variables);
  if (!uncounted.empty()) note(std::move(uncounted));
  return {};
}

int Launching::run() {
  launch::Surroundings around;
  around.on_event = on_event_;
  around.on_report = [this](const LoadReport& report) { keep(report); };
  around.free_bytes = [this](const std::string& device) { return free_of(device); };
  around.devices = [this] { return view_->statuses(); };
  around.wanted_rung = [this](std::size_t running) {
    return launch::wanted_rung(known_.set, job_.rungs, running, live(), request_.wanted);
  };
  if (job_.adapt && !around.wanted_rung(job_.first)) {
    note("no driver tells what is free on every device of these profiles: --adapt does nothing");
  }
  process::SignalInbox signals;
  return launch::run(job_, around, signals);
}

// What drivers say now, else what ggml said before the first start.
Reading<std::uint64_t> Launching::free_of(const std::string& device) {
  view_->refresh();
  const LiveMachine now = live();
  for (const LiveMachine* machine : {&now, &std::as_const(first_)}) {
    for (const LiveDevice& each : machine->devices) {
      if (each.id == device && each.memory_free_bytes) return each.memory_free_bytes;
    }
  }
  return Absence{"nobody tells"};
}

void Launching::keep(const LoadReport& report) {
  known_.set.reports.push_back(report);
  if (known_.path.empty() || known_.set.find(report.profile) == nullptr) return;
  const Status kept = store::add_report(known_.path, report);
  if (!kept) note("what happened could not be kept: " + kept.error().message);
}

}  // namespace sweetspot::app
