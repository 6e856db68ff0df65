// Where the worker program is, and llama.cpp's own.
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

/// Folder of our own program's file and the PATH variable.
SearchPlaces default_places();

/// `override_path` if it is not empty, else `sweetspot-worker` beside the running program, else in
/// its ../libexec/sweetspot (a bundle, `cmake --install`), else in PATH. Errors are of kind
/// device with a remedy, for a build may leave it out; a bad `override_path` is of kind usage;
/// without /proc it is process::no_proc().
Result<WorkerProgram> locate_worker(const std::string& override_path = {},
                                    const SearchPlaces& places = default_places());

/// sweetspot-adapter, in the same places. Errors as those of locate_worker(), but of kind internal:
/// every build has it.
Result<WorkerProgram> locate_adapter(const SearchPlaces& places = default_places());

/// The program of that name in PATH, else of the llama.cpp that came with us: llama/bin in the
/// places where the worker is looked for. Error (usage): it is in neither.
Result<std::string> locate_program(const std::string& name,
                                   const SearchPlaces& places = default_places());

}  // namespace sweetspot::engine
