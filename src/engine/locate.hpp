// Where the worker program is.
#pragma once

#include <string>

#include "core/error.hpp"

namespace sweetspot::engine {

/// A worker that exists and may be executed.
struct WorkerProgram {
  std::string path;
};

/// Where to look; the defaults are this process's own.
struct SearchPlaces {
  std::string own_directory;  ///< folder of the running program; empty = no /proc to tell
  std::string path;           ///< as the PATH variable
};

/// Folder of /proc/self/exe and the PATH variable.
SearchPlaces default_places();

/// `override_path` if it is not empty, else `sweetspot-worker` beside the running program, else in
/// PATH. Errors are of kind internal with a remedy; a bad `override_path` is of kind usage; without
/// /proc it is process::no_proc().
Result<WorkerProgram> locate_worker(const std::string& override_path = {},
                                    const SearchPlaces& places = default_places());

}  // namespace sweetspot::engine
