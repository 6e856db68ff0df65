// Profile sets as files: docs/formats/profiles-1.md. One per model and machine, in the user's data
// folder, found without parsing a model.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::store {

/// The key of a model file. A first split ("...-00001-of-00003.gguf") brings its others along.
/// Reads 64 KiB at both ends of each. Errors are of kind model.
Result<ModelKey> model_key(const std::string& path);

/// "<folder>/profiles/<file name>-<digest>-<machine>.json": the file name reduced to
/// [A-Za-z0-9._-], `machine` a digest of /etc/machine-id (else host name) and of `rpc`.
std::string profile_set_path(const std::string& data_folder, const ModelKey& model,
                             const std::vector<std::string>& rpc);

/// The user's data folder for sweetspot: $XDG_DATA_HOME/sweetspot, else ~/.local/share/sweetspot;
/// empty where neither is known.
std::string user_data_folder();

/// Errors: no such file or unreadable (output), of a newer schema ("made by a newer sweetspot") or
/// damaged (output): never touched. Older schemas are migrated in memory.
Result<ProfileSet> load_profile_set(const std::string& path);

/// Durable and atomic; makes the folder. Errors are of kind output. A file of a newer schema is
/// refused, not replaced.
Status save_profile_set(const std::string& path, const ProfileSet& set,
                        const FileCalls& calls = system_file_calls());

/// Adds a report to the set at `path`, under a lock, so that no other process's report is lost.
Status add_report(const std::string& path, const LoadReport& report);

struct StoredSet {
  std::string path;
  Result<ProfileSet> set;
};

/// All sets of the folder, by path. Empty where there is no folder.
std::vector<StoredSet> list_profile_sets(const std::string& data_folder);

}  // namespace sweetspot::store
