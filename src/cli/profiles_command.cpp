// sweetspot profiles: the sets that are kept, and moving them.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "cli/connection.hpp"
#include "cli/environment.hpp"
#include "cli/open_history.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "engine/worker.hpp"
#include "profiles/held.hpp"
#include "profiles/successor.hpp"
#include "report/profile_set_table.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kProfilesExamples = R"(
A set is named by its file as `list` shows it, by any path to one, or by the model it is for.

Examples:
  sweetspot profiles list
  sweetspot profiles show model.gguf
  sweetspot profiles forget model.gguf fast    what programs that failed said of it
  sweetspot profiles export model.gguf -o set.json
  sweetspot profiles import set.json
)";

struct ProfilesOptions {
  std::string target;
  std::string profile;  ///< to forget the reports of; empty = all
  std::string output_path;
  ConnectionOptions connection;
  bool json = false;
};

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// ---- which set is meant

bool is_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

// Of a model: the only set there is of it with the same RPC servers, or with any where none are
// given.
Result<std::string> path_for_model(const ProfilesOptions& options, const Environment& environment) {
  const Result<std::string> file = known_model_file(options.target, environment);
  if (!file) return tl::unexpected(file.error());
  const Result<ModelKey> key = store::model_key(*file);
  if (!key) return tl::unexpected(key.error());
  std::vector<std::string> paths;
  for (const store::StoredSet& stored :
       store::profile_sets_of(environment.workplace.data_folder, *key, options.connection.rpc)) {
    paths.push_back(stored.path);
  }
  if (paths.empty() && options.connection.rpc.empty()) {
    for (const store::StoredSet& stored :
         store::list_profile_sets(environment.workplace.data_folder)) {
      if (stored.set && stored.set->model.same_model(*key)) paths.push_back(stored.path);
    }
  }
  if (paths.size() == 1) return paths.front();
  if (paths.empty()) {
    return error(ErrorKind::output, fmt::format("there is no profile set for {}", options.target),
                 "sweetspot profile makes one");
  }
  return error(ErrorKind::usage,
               fmt::format("there are {} profile sets for {}", paths.size(), options.target),
               fmt::format("name one by its file, as sweetspot profiles list shows it, for example "
                           "{}",
                           name_of(paths.front())));
}

// By the name of a kept file, a path to a set, or a model.
Result<std::string> set_path(const ProfilesOptions& options, const Environment& environment) {
  if (const Status folder = need_data_folder(environment); !folder) {
    return tl::unexpected(folder.error());
  }
  if (options.target.find('/') == std::string::npos) {
    const std::string kept = environment.workplace.data_folder + "/profiles/" + options.target;
    if (is_file(kept)) return kept;
  }
  if (options.target.ends_with(".json")) return options.target;
  return path_for_model(options, environment);
}

Result<ProfileSet> load(const ProfilesOptions& options, const Environment& environment) {
  const Result<std::string> path = set_path(options, environment);
  if (!path) return tl::unexpected(path.error());
  return store::load_profile_set(*path);
}

// ---- list, show, remove, export

std::string listed_json(const std::vector<store::StoredSet>& sets) {
  Json list = Json::array();
  for (const store::StoredSet& stored : sets) {
    list.push_back({{"path", stored.path},
                    {"set", stored.set ? to_json(*stored.set) : Json(nullptr)},
                    {"error", stored.set ? Json(nullptr) : Json(stored.set.error().message)}});
  }
  return dump(list, kJsonIndent) + "\n";
}

Result<int> list(const ProfilesOptions& options, const Environment& environment) {
  if (const Status folder = need_data_folder(environment); !folder) {
    return tl::unexpected(folder.error());
  }
  const auto sets = store::list_profile_sets(environment.workplace.data_folder);
  if (options.json) return print_all(environment, listed_json(sets));
  if (sets.empty()) {
    return print_all(
        environment,
        printable("no profile sets in " + environment.workplace.data_folder + "/profiles", 500) +
            "; `sweetspot profile MODEL` makes one\n");
  }
  std::vector<report::ListedSet> listed;
  listed.reserve(sets.size());
  for (const store::StoredSet& stored : sets) listed.push_back({name_of(stored.path), stored.set});
  return print_all(environment, report::profile_sets_table(listed, stdout_style(environment)));
}

Result<int> show(const ProfilesOptions& options, const Environment& environment) {
  const Result<ProfileSet> set = load(options, environment);
  if (!set) return tl::unexpected(set.error());
  if (options.json) return print_all(environment, dump(to_json(*set), kJsonIndent) + "\n");
  std::vector<report::HeldLine> held;
  for (const profiles::Held& each : profiles::held_against(*set)) {
    held.push_back({each.profile, profiles::name_of(each.loader), each.what});
  }
  return print_all(environment, report::profile_set_text(*set, held, stdout_style(environment)));
}

// ---- forget

Result<int> forget(const ProfilesOptions& options, const Environment& environment) {
  const Result<std::string> path = set_path(options, environment);
  if (!path) return tl::unexpected(path.error());
  const Result<ProfileSet> set = store::load_profile_set(*path);
  if (!set) return tl::unexpected(set.error());
  if (!options.profile.empty() && set->find(options.profile) == nullptr) {
    return error(ErrorKind::usage,
                 fmt::format("the set has no profile '{}'", shortened(options.profile)),
                 "see what it has with sweetspot profiles show");
  }
  std::size_t forgotten = 0;
  const auto written = store::update_profile_set(*path, [&](const ProfileSet* old) {
    std::optional<ProfileSet> next;
    if (old == nullptr) return next;
    next = profiles::without_reports(*old, options.profile);
    forgotten = old->reports.size() - next->reports.size();
    return next;
  });
  if (!written) return tl::unexpected(written.error());
  return print_all(
      environment,
      fmt::format("forgot {} report{} of {}\n", forgotten, forgotten == 1 ? "" : "s",
                  options.profile.empty() ? "all profiles" : printable(options.profile)));
}

Result<int> remove(const ProfilesOptions& options, const Environment& environment) {
  const Result<std::string> path = set_path(options, environment);
  if (!path) return tl::unexpected(path.error());
  if (const Status removed = store::remove_profile_set(*path); !removed) {
    return tl::unexpected(removed.error());
  }
  return print_all(environment, "removed " + printable(*path, 4096) + "\n");
}

Result<int> export_set(const ProfilesOptions& options, const Environment& environment) {
  const Result<ProfileSet> set = load(options, environment);
  if (!set) return tl::unexpected(set.error());
  const std::string text = dump(to_json(*set), kJsonIndent) + "\n";
  return print_or_write(environment, options.output_path, text);
}

// ---- import

bool is_here(const SetDevice& wanted, const std::vector<Device>& devices) {
  return std::any_of(devices.begin(), devices.end(), [&](const Device& device) {
    return device.backend == wanted.backend && device.description == wanted.description;
  });
}

// The devices of the set that are not in this machine. Those behind RPC are not looked for: the
// file would decide whom this program connects to.
Result<std::vector<SetDevice>> strangers_in(const ProfileSet& set, const Environment& environment) {
  std::vector<SetDevice> strangers;
  for (const SetDevice& device : set.devices) {
    if (device.backend != "RPC") strangers.push_back(device);
  }
  if (strangers.empty()) return strangers;
  Result<engine::Worker> worker = app::start_worker(environment.workplace);
  if (!worker) return tl::unexpected(worker.error());
  std::erase_if(strangers,
                [&](const SetDevice& device) { return is_here(device, worker->hello().devices); });
  return strangers;
}

void warn_of_strangers(const ProfileSet& set, const Environment& environment) {
  const auto strangers = strangers_in(set, environment);
  if (!strangers) {
    say(environment.err, "warning: nobody could tell whether its devices are here: {}\n",
        printable(strangers.error().message, 400));
    return;
  }
  for (const SetDevice& device : *strangers) {
    say(environment.err,
        "warning: made on another machine: {} ({}) is not here, so its profiles may not fit "
        "or be slower\n",
        printable(device.id), printable(device.description));
  }
}

Result<int> import_set(const ProfilesOptions& options, const Environment& environment) {
  if (const Status folder = need_data_folder(environment); !folder) {
    return tl::unexpected(folder.error());
  }
  const Result<ProfileSet> set = store::load_profile_set(options.target);
  if (!set) return tl::unexpected(set.error());
  warn_of_strangers(*set, environment);
  const std::string path = store::place_of(environment.workplace.data_folder, *set);
  std::string why_old;
  const Result<bool> written = store::update_profile_set(path, [&](const ProfileSet* old) {
    why_old = profiles::why_kept(old, *set);
    return profiles::successor(old, *set);
  });
  if (!written) return tl::unexpected(written.error());
  if (*written) return print_all(environment, "imported as " + printable(path, 4096) + "\n");
  return error(ErrorKind::usage,
               fmt::format("the profiles in {} are kept, not those of {}: {}", path, options.target,
                           why_old),
               "remove that one first");
}

// ---- the command line

using Action = Result<int> (*)(const ProfilesOptions&, const Environment&);

CLI::App* add_action(CLI::App& app, const char* name, const char* summary, Action action,
                     const std::shared_ptr<ProfilesOptions>& options,
                     const Environment& environment, Result<int>& outcome) {
  CLI::App* sub = app.add_subcommand(name, summary);
  sub->fallthrough();
  sub->callback(
      [options, action, &environment, &outcome] { outcome = action(*options, environment); });
  return sub;
}

void add_target(CLI::App& sub, const std::shared_ptr<ProfilesOptions>& options) {
  sub.add_option("SET", options->target, "A set's file, or the model it is for")
      ->required()
      ->type_name("FILE|MODEL.gguf");
  sub.add_option("--rpc", options->connection.rpc, "The RPC servers that the set was made with")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("HOST:PORT,...");
}

}  // namespace

void add_profiles(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ProfilesOptions>();
  app.footer(kProfilesExamples);
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* summary, Action action) {
    return add_action(app, name, summary, action, options, environment, outcome);
  };
  CLI::App* listing = add("list", "List the sets that are kept", list);
  CLI::App* showing = add("show", "Show the profiles of a set", show);
  add_target(*showing, options);
  for (CLI::App* sub : {listing, showing}) sub->add_flag("--json", options->json, "Print JSON");
  add_target(*add("remove", "Remove a set", remove), options);
  CLI::App* forgetting = add("forget", "Forget what programs reported of a set's profiles", forget);
  add_target(*forgetting, options);
  forgetting->add_option("PROFILE", options->profile, "Of this profile only");
  CLI::App* importing = add("import", "Keep a set that was exported", import_set);
  importing->add_option("FILE", options->target, "The exported set")->required();
  CLI::App* exporting = add("export", "Write a set to a file or to stdout", export_set);
  add_target(*exporting, options);
  exporting->add_option("-o,--output", options->output_path, "The file (default: stdout)")
      ->type_name("FILE");
}

}  // namespace sweetspot::cli
