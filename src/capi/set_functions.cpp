#include <sweetspot/sweetspot.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "capi/c_values.hpp"
#include "capi/handles.hpp"
#include "profiles/host_program.hpp"
#include "profiles/make_set.hpp"
#include "profiles/pick_set.hpp"
#include "store/profile_set_file.hpp"

namespace {

using namespace sweetspot::capi;  // NOLINT(google-build-using-namespace)
using sweetspot::ModelKey;
using sweetspot::ProfileSet;
using sweetspot::Result;

std::vector<std::string> endpoints(const sweetspot_set_options& options) {
  std::vector<std::string> list;
  if (options.rpc_count > 0) require(static_cast<const void*>(options.rpc), "rpc");
  list.reserve(options.rpc_count);
  for (std::size_t i = 0; i < options.rpc_count; ++i) {
    require(options.rpc[i], "an endpoint in rpc");
    list.emplace_back(options.rpc[i]);
  }
  return list;
}

sweetspot::HostProgram host_program_of(const sweetspot_set_options& options) {
  switch (options.host_program) {
    case SWEETSPOT_HOST_LIBLLAMA:
      return sweetspot::HostProgram::libllama;
    case SWEETSPOT_HOST_LLAMA_SERVER:
      return sweetspot::HostProgram::llama_server;
    default:
      bad_argument("host_program is no sweetspot_host_program");
  }
}

void show(sweetspot_set& set, const ProfileSet& loaded, sweetspot::HostProgram program) {
  set.as_made = loaded;
  set.kept = Reported::of(sweetspot::profiles::for_host(loaded, program));
  set.shown = set.kept.shown;
}

bool there(const std::string& path) {
  std::error_code ignored;
  return !path.empty() && std::filesystem::exists(path, ignored);
}

// What is stored, or why it is not used.
tl::expected<ProfileSet, Fault> stored_set(const std::string& path) {
  if (!there(path)) {
    return tl::unexpected(Fault{SWEETSPOT_ERROR_NOT_FOUND,
                                "no profile set is stored for this model: measure it with "
                                "`sweetspot profile`"});
  }
  Result<ProfileSet> loaded = sweetspot::store::load_profile_set(path);
  if (!loaded) return tl::unexpected(fault_of(loaded.error(), SWEETSPOT_ERROR_DATA));
  return *std::move(loaded);
}

std::optional<sweetspot::Workload> requests_of(const sweetspot_set_options& options) {
  if (options.n_prompt == 0 && options.n_gen == 0 && options.n_depth == 0) return std::nullopt;
  return sweetspot::Workload{options.n_prompt, options.n_gen, options.n_depth};
}

bool asks_for_other_requests(const sweetspot_set_options& options, const ProfileSet& set) {
  const auto wanted = requests_of(options);
  return wanted && !sweetspot::profiles::same_requests(*wanted, set.workload);
}

// Where the set lies that is meant of those that are kept; nothing where none is whole.
std::optional<std::string> measured_path(const std::string& data_folder, const ModelKey& model,
                                         const std::vector<std::string>& rpc,
                                         const sweetspot_set_options& options) {
  if (data_folder.empty()) return std::nullopt;
  std::vector<ProfileSet> sets;
  std::vector<std::string> paths;
  for (auto& stored : sweetspot::store::profile_sets_of(data_folder, model, rpc)) {
    if (!stored.set) continue;
    sets.push_back(*std::move(stored.set));
    paths.push_back(std::move(stored.path));
  }
  const auto picked = sweetspot::profiles::pick_set(sets, {requests_of(options), 0});
  if (!picked) return std::nullopt;
  return paths[*picked];
}

ProfileSet defaults_for(sweetspot_library& lib, const sweetspot_set& set) {
  sweetspot::LiveMachine live = sweetspot::devices::live_machine(lib.view.look());
  live.rpc = set.rpc;
  return sweetspot::profiles::default_set(*set.model, live);
}

}  // namespace

sweetspot_status sweetspot_set_of_model(sweetspot_library* lib, const char* model_path,
                                        const sweetspot_set_options* options, sweetspot_set** out,
                                        char** error) {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&] {
    require(lib, "lib");
    require(model_path, "model_path");
    require(out, "out");
    const sweetspot_set_options given = read_in(options);
    const sweetspot::HostProgram program = host_program_of(given);
    Result<ModelKey> key = sweetspot::store::model_key(model_path);
    if (!key) return fail(error, fault_of(key.error(), SWEETSPOT_ERROR_MODEL));
    auto set = std::make_unique<sweetspot_set>();
    set->rpc = endpoints(given);
    set->defaults_may_stand_in = given.no_defaults == 0;
    if (!lib->data_folder.empty()) {
      set->path = sweetspot::store::profile_set_path(lib->data_folder, *key, *set->rpc);
    }
    set->model = *std::move(key);
    if (auto measured = measured_path(lib->data_folder, *set->model, *set->rpc, given)) {
      set->path = *std::move(measured);
    }
    auto stored = stored_set(set->path);
    if (stored && asks_for_other_requests(given, *stored)) {
      stored = tl::unexpected(Fault{SWEETSPOT_ERROR_NOT_FOUND,
                                    "no profile set is stored for these requests: measure them "
                                    "with `sweetspot tune`"});
    }
    if (!stored && !set->defaults_may_stand_in) return fail(error, stored.error());
    set->stored = stored.has_value();
    if (!stored) set->note = stored.error().message;
    show(*set, stored ? *stored : defaults_for(*lib, *set), program);
    *out = set.release();
    return SWEETSPOT_OK;
  });
}

sweetspot_status sweetspot_set_of_file(sweetspot_library* lib, const char* set_path,
                                       const sweetspot_set_options* options, sweetspot_set** out,
                                       char** error) {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&] {
    require(lib, "lib");
    require(set_path, "set_path");
    require(out, "out");
    const sweetspot_set_options given = read_in(options);
    const sweetspot::HostProgram program = host_program_of(given);
    auto set = std::make_unique<sweetspot_set>();
    if (given.rpc_count > 0) set->rpc = endpoints(given);
    set->defaults_may_stand_in = given.no_defaults == 0;
    set->path = set_path;
    if (!there(set->path)) {
      return fail(error, {SWEETSPOT_ERROR_NOT_FOUND, "there is no file " + set->path});
    }
    auto stored = stored_set(set->path);
    if (!stored) return fail(error, stored.error());
    set->stored = true;
    show(*set, *stored, program);
    *out = set.release();
    return SWEETSPOT_OK;
  });
}

sweetspot_status sweetspot_set_get(const sweetspot_set* set, sweetspot_set_info* out) {
  if (set == nullptr) return SWEETSPOT_ERROR_ARGUMENT;
  const ProfileSet& shown = set->shown->set();
  sweetspot_set_info info{};
  info.path = set->stored ? set->path.c_str() : nullptr;
  info.note = set->note.empty() ? nullptr : set->note.c_str();
  info.created_at = shown.created_at.c_str();
  info.origin = static_cast<std::int32_t>(shown.origin);
  info.model_path = shown.model.path.c_str();
  info.model_name = shown.model_name.c_str();
  info.llama_cpp = shown.fingerprint.llama_cpp.c_str();
  info.profile_count = set->shown->count();
  info.n_prompt = shown.workload.n_prompt;
  info.n_gen = shown.workload.n_gen;
  info.n_depth = shown.workload.n_depth;
  return copy_out(out, info);
}

sweetspot_status sweetspot_set_profile(const sweetspot_set* set, size_t index,
                                       sweetspot_profile* out) {
  if (set == nullptr || index >= set->shown->count()) return SWEETSPOT_ERROR_ARGUMENT;
  return copy_out(out, set->shown->profile(index));
}

void sweetspot_set_free(sweetspot_set* set) { delete set; }
