// The history: what was measured on this machine, searchable in milliseconds.
//
// The run files are the truth. The index, a SQLite database beside them, holds a line of each and
// follows them: files that came, changed or went are noticed by name, size and time. So a process
// that is killed at any moment leaves nothing half done, and a database that is damaged or lost is
// made again from the files.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/run_entry.hpp"

namespace sweetspot::history {

/// Which runs; what is empty does not matter. Texts are found anywhere in what they are asked of,
/// whatever their case.
struct Wanted {
  std::string model = {};  ///< in the model's name or its fingerprint
  std::string machine = {};
  std::string engine = {};
  std::string since = {};  ///< ISO 8601, or the beginning of one: "2026-11"
  std::size_t most = 0;    ///< the newest so many; 0 = all
};

/// A file in the folder of runs that is none.
struct Unreadable {
  std::string path;
  std::string why;
};

/// Called while files are read that the index does not know, where that takes long.
using OnProgress = std::function<void(std::size_t done, std::size_t of)>;

/// Several processes may hold one; SQLite lets one write at a time, and readers see whole
/// transactions. Not thread safe. Move only. Errors are of kind output unless said otherwise.
class Index {
 public:
  /// "history.sqlite3" in the data folder, made where there is none, following the folder's "runs".
  /// A damaged one is renamed to "history.sqlite3.damaged-<n>" and made again. Errors: the folder
  /// cannot be written, a newer sweetspot made it, another process holds it for seconds.
  static Result<Index> open(const std::string& data_folder, const OnProgress& on_progress = {});
  Index(Index&& other) noexcept;
  Index& operator=(Index&& other) noexcept;
  ~Index();

  /// Where the damaged database that was found lies now; empty: there was none.
  [[nodiscard]] const std::string& set_aside() const;

  /// Files in the folder of runs that could not be read as runs.
  [[nodiscard]] Result<std::vector<Unreadable>> unreadable() const;

  /// Newest first.
  [[nodiscard]] Result<std::vector<RunEntry>> list(const Wanted& wanted = {}) const;

  /// By its name, an unambiguous beginning of it, its path, or "latest". Errors: usage.
  [[nodiscard]] Result<RunEntry> find(const std::string& name) const;

  /// A run that lies somewhere else. Adding it again brings its line up to date.
  Status add(const std::string& path);

  /// Its line, and its file where that lies in the folder of runs: others are their owners'.
  /// True where the file went too.
  Result<bool> remove(const RunEntry& entry);

 private:
  struct State;
  explicit Index(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sweetspot::history
