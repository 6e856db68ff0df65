// Runs as files: docs/formats/run-1.md.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/run.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::store {

/// "<model>-<time>.json". The model part is the file name without folders and ".gguf", reduced to
/// [A-Za-z0-9._-] and to 80 characters: names are hostile. The time part is `started_at` (ISO 8601)
/// without its separators.
std::string run_file_name(std::string_view model_file_name, std::string_view started_at);

/// Where runs lie that nobody named a file for.
std::string runs_folder(const std::string& data_folder);

/// The text of a run's or plan's file, to be read by whoever wants it. Errors are of kind usage:
/// there is none, it cannot be read, it is too large to be one.
Result<std::string> read_document(const std::string& path);

/// The run that `text` holds. `path` is what it is called in an error, of kind usage: no
/// sweetspot.run/1.
Result<Run> parse_run(std::string_view text, const std::string& path);

/// The run that lies at `path`. Errors: those of read_document() and parse_run().
Result<Run> load_run(const std::string& path);

/// Writes `run` as sweetspot.run/1, indented, through write_atomically().
Status save_run(const std::string& path, const Run& run,
                const FileCalls& calls = system_file_calls());

}  // namespace sweetspot::store
