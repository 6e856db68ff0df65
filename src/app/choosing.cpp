#include "app/choosing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "app/engines.hpp"
#include "app/live_view.hpp"
#include "app/set_engine.hpp"
#include "devices/machine.hpp"
#include "profiles/dominated.hpp"
#include "profiles/host_program.hpp"
#include "profiles/limit_threads.hpp"
#include "profiles/server_now.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::app {
namespace {

SetSource source_of(const ChooseJob& job, ModelKey key) {
  SetSource source;
  source.model_path = job.model_path;
  source.key = std::move(key);
  source.connection = job.connection;
  source.wanted = job.set;
  source.keep_plan = job.keep_plan;
  source.on_measuring = job.on_measuring;
  return source;
}

std::string backend_of(const ProfileSet& set, const SavedProfile& profile) {
  if (profile.is_cpu_only()) return "CPU";
  if (!profile.needs || profile.needs->empty()) return {};
  for (const SetDevice& device : set.devices) {
    if (device.id == profile.needs->front().device) return device.backend;
  }
  return {};
}

exporting::ExportJob export_job(const Chosen& chosen) {
  const SavedProfile& profile = chosen.set.profiles[*chosen.choice.profile];
  exporting::ExportJob job;
  job.config = config_now(chosen, profile);
  job.model_path = chosen.live.model->path;
  job.model_name = chosen.set.model_name;
  if (!profile.is_cpu_only()) job.rpc = chosen.set.rpc;
  job.offloadable_layers = chosen.set.offloadable_layers;
  job.backend = backend_of(chosen.set, profile);
  if (chosen.engine) {
    job.engine =
        std::shared_ptr<const dialect::Abilities>(chosen.engine, &chosen.engine->abilities);
  }
  return job;
}

// What is chosen from: all of the answer but the choice.
Result<Chosen> find_basis(const ChooseJob& job, const Workplace& wanted) {
  Result<ModelKey> key = store::model_key(job.model_path);
  if (!key) return tl::unexpected(key.error());
  const SetSource source = source_of(job, *key);
  Chosen basis;
  Result<std::optional<FoundSet>> found = stored_set(source, wanted, basis.notes);
  if (!found) return tl::unexpected(found.error());
  const Workplace workplace = with_engine_of_set(source, wanted, basis.notes);
  LiveView view(workplace, job.connection, /*may_wake=*/!found->has_value());
  if (view.problem()) return tl::unexpected(*view.problem());
  basis.live = view.now();
  basis.live.model = *std::move(key);
  if (must_plan(*found, basis.live, job.set.min_ctx, basis.notes)) {
    Result<FoundSet> planned = plan_now(source, workplace);
    if (!planned) return tl::unexpected(planned.error());
    *found = *std::move(planned);
  }
  basis.set = std::move((*found)->set);
  if (basis.set.origin == Origin::planned) {
    basis.notes.emplace_back(
        "These profiles are planned, not measured: memory as llama.cpp counts it; sweetspot "
        "profile measures their speed");
  }
  basis.set = profiles::for_host(std::move(basis.set), job.host_program);
  if (auto engine = engine_of(workplace); engine && *engine) {
    basis.engine = std::make_shared<const servers::ServerCard>(**std::move(engine));
  }
  std::string fewer = profiles::limit_threads(basis.set, devices::this_machine());
  if (!fewer.empty()) basis.notes.push_back(std::move(fewer));
  return basis;
}

}  // namespace

Error no_such_profile(const ProfileSet& set, const profiles::Requirements& wanted) {
  std::string names;
  for (const SavedProfile& profile : set.profiles) {
    names += (names.empty() ? "" : ", ") + profile.name;
  }
  return {ErrorKind::usage, fmt::format("there is no profile '{}'", shortened(wanted.profile)),
          "the set has: " + names};
}

Error nothing_to_load(const ProfileSet& set, const profiles::Choice& choice,
                      const profiles::Requirements& wanted) {
  std::uint32_t longest = 0;
  for (const SavedProfile& profile : set.profiles) {
    const ContextSettings& context = profile.config.context;
    longest = std::max(longest, context.n_ctx / context_parts(context));
  }
  if (wanted.min_ctx <= longest) {
    return {ErrorKind::nothing_measurable, choice.reason, "free memory, or ask for less"};
  }
  return {ErrorKind::nothing_measurable,
          fmt::format("no profile has {} tokens of context (largest: {})", wanted.min_ctx, longest),
          fmt::format("measure one with sweetspot profile MODEL -c {}", wanted.min_ctx)};
}

Config config_now(const Chosen& chosen, const SavedProfile& profile) {
  Config config = profile.config;
  config.server = profiles::server_now(chosen.set, profile, chosen.live);
  return config;
}

Result<Chosen> choose(const ChooseJob& job, const Workplace& workplace) {
  Result<Chosen> chosen = find_basis(job, workplace);
  if (!chosen) return chosen;
  chosen->choice = profiles::choose(chosen->set, chosen->live, job.wanted);
  if (job.wanted.by_name() && chosen->set.find(job.wanted.profile) == nullptr) {
    return error(ErrorKind::usage, "--profile: " + chosen->choice.reason);
  }
  if (chosen->engine && chosen->choice.profile) {
    const SavedProfile& profile = chosen->set.profiles[*chosen->choice.profile];
    std::string lacks = lacks_sentence(*chosen->engine, profile.config);
    if (!lacks.empty()) chosen->notes.push_back(std::move(lacks));
  }
  return chosen;
}

Loader loader_for(const std::optional<exporting::Format>& format) {
  using exporting::Format;
  if (!format || *format == Format::llama_server || *format == Format::env ||
      *format == Format::llama_server_ini || *format == Format::llama_swap) {
    return {"llama-server", {}};
  }
  return {std::string(to_string(*format)), {}};
}

Result<exporting::Exported> export_chosen(std::span<const Chosen> chosen,
                                          exporting::Format format) {
  std::vector<exporting::ExportJob> jobs;
  jobs.reserve(chosen.size());
  for (const Chosen& one : chosen) jobs.push_back(export_job(one));
  Result<exporting::Exported> exported = exporting::export_together(format, jobs);
  if (!exported) return exported;
  for (const Chosen& one : chosen) {
    const SavedProfile& profile = one.set.profiles[*one.choice.profile];
    const std::string dominated = profiles::dominated_clause(one.set, profile);
    if (dominated.empty()) continue;
    exported->notes.push_back(
        fmt::format("{}: {} is {}", one.set.model_name, profile.name, dominated));
  }
  return exported;
}

}  // namespace sweetspot::app
