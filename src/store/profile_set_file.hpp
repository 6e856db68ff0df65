// Profile sets as files: docs/formats/profiles-1.md. One per model, machine and what was measured,
// in the user's data folder, found without parsing a model.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::store {

/// The key of a model file, its path made absolute. A first split ("...-00001-of-00003.gguf")
/// brings its others along. Reads 64 KiB at both ends of each. Errors are of kind model.
Result<ModelKey> model_key(const std::string& path);

/// "<folder>/profiles/<digest>-<machine>.json"; `machine` is a digest of /etc/machine-id (else the
/// host name) and of `rpc`. The name of the model is no part of it: a set outlives its renaming.
/// Of what was not measured, and of sets that were measured before they were kept by workload.
std::string profile_set_path(const std::string& data_folder, const ModelKey& model,
                             const std::vector<std::string>& rpc);

/// Where `set` belongs: of a measured one the name has a digest of its workload, objective and
/// longest context too, so that what was measured for one kind of request never replaces what was
/// measured for another.
std::string place_of(const std::string& data_folder, const ProfileSet& set);

/// The user's data folder for sweetspot: $XDG_DATA_HOME/sweetspot, else ~/.local/share/sweetspot;
/// empty where neither is known.
std::string user_data_folder();

/// Errors (output): no such file, unreadable, of a newer schema ("made by a newer sweetspot") or
/// damaged. The file is never touched. Older schemas are migrated in memory. Needs no lock. Takes
/// any bytes.
Result<ProfileSet> load_profile_set(const std::string& path);

/// What becomes of the set that is there (nullptr: none, or a damaged one); nothing = it stays.
using Successor = std::function<std::optional<ProfileSet>(const ProfileSet* old)>;

/// Asks `successor` and writes what it says, both under the folder's lock, so that nobody else's
/// change is lost. Durable and atomic; makes the folder; removes the temporary files of writers
/// that died there. True where it wrote. Errors (output): a file of a newer schema or one that
/// cannot be read is refused, not replaced; a lock that another process holds for seconds. A set
/// that could not be read back is refused (internal).
Result<bool> update_profile_set(const std::string& path, const Successor& successor,
                                const FileCalls& calls = system_file_calls());

/// update_profile_set() with `set` whatever was there.
Status save_profile_set(const std::string& path, const ProfileSet& set,
                        const FileCalls& calls = system_file_calls());

/// Adds a report to the set at `path` as update_profile_set() does; the oldest beyond kKeptReports
/// go. Errors also where there is no set, or a damaged one, which stays as it is.
Status add_report(const std::string& path, const LoadReport& report);

/// Removes the file, of whatever schema, under the folder's lock. Errors: no such file (output).
Status remove_profile_set(const std::string& path);

struct StoredSet {
  std::string path;
  Result<ProfileSet> set;
};

/// All sets of the data folder, by path. Empty where there is no folder.
std::vector<StoredSet> list_profile_sets(const std::string& data_folder);

/// Those of one model on this machine with these RPC endpoints.
std::vector<StoredSet> profile_sets_of(const std::string& data_folder, const ModelKey& model,
                                       const std::vector<std::string>& rpc);

}  // namespace sweetspot::store
