#include "history/index.hpp"

#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "history/database.hpp"
#include "store/durable_file.hpp"
#include "store/run_file.hpp"

namespace sweetspot::history {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = "history.sqlite3";
constexpr const char* kExtension = ".json";

using Files = std::map<std::string, Seen>;

std::optional<Seen> seen_now(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  return Seen{info.st_size, info.st_mtim.tv_sec * kNsPerSecond + info.st_mtim.tv_nsec};
}

// What begins with a dot is being written, and what is empty is the place of a run that is being
// measured.
Files files_in(const std::string& folder) {
  Files files;
  std::error_code none;
  fs::directory_iterator entry(folder, none);
  for (; !none && entry != fs::directory_iterator(); entry.increment(none)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.') || !name.ends_with(kExtension)) continue;
    std::string path = entry->path().string();
    const auto seen = seen_now(path);
    if (seen && seen->size_bytes > 0) files.emplace(std::move(path), *seen);
  }
  return files;
}

bool lies_in(const std::string& folder, const std::string& path) {
  return path.starts_with(folder + "/");
}

tl::unexpected<Error> of_sqlite(const std::string& path, const SQLite::Exception& problem) {
  const bool busy = (problem.getErrorCode() & 0xff) == SQLITE_BUSY;
  return error(ErrorKind::output,
               fmt::format("the history in {} cannot be used: {}", printable(path), problem.what()),
               busy ? "wait for the other sweetspot that writes it, or end it"
                    : "check the folder's permissions and its disk; the runs themselves are not "
                      "touched");
}

// Runs `act`, whose SQLite exceptions become errors.
template <typename Act>
auto guarded(const std::string& path, Act&& act) -> Result<decltype(act())> {
  try {
    if constexpr (std::is_void_v<decltype(act())>) {
      act();
      return {};
    } else {
      return act();
    }
  } catch (const SQLite::Exception& problem) {
    return of_sqlite(path, problem);
  }
}

bool is_damage(int code) { return code == SQLITE_CORRUPT || code == SQLITE_NOTADB; }

// A name that nothing has, for what is set aside.
std::string free_name(const std::string& path) {
  std::error_code none;
  for (int number = 1;; ++number) {
    std::string name = fmt::format("{}.damaged-{}", path, number);
    if (!fs::exists(name, none)) return name;
  }
}

std::string plain(const std::string& path) {
  std::error_code none;
  const fs::path absolute = fs::absolute(path, none).lexically_normal();
  return absolute.empty() ? path : absolute.string();
}

}  // namespace

struct Index::State {
  std::string path;
  std::string folder;
  std::string set_aside;
  SQLite::Database database;

  // Another process may have made them meanwhile.
  void make() {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    if (version_of(database) == 0) make_tables(database);
    transaction.commit();
  }

  // Everything that takes long is done before the database is held.
  void take_in(std::span<const std::pair<std::string, Seen>> files) {
    std::vector<Result<RunEntry>> read;
    read.reserve(files.size());
    for (const auto& file : files) {
      read.push_back(store::load_run(file.first).map([&](const Run& run) {
        return entry_of(run, file.first);
      }));
    }
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    for (std::size_t i = 0; i < files.size(); ++i) {
      const auto& [file, seen] = files[i];
      if (read[i]) {
        put(database, *read[i], seen);
      } else {
        put(database, Unreadable{file, read[i].error().message}, seen);
      }
    }
    transaction.commit();
  }

  // In pieces, so that a first reading of very many files that is interrupted has kept something,
  // and nobody else waits for long.
  void follow(const OnProgress& on_progress) {
    constexpr std::size_t kPiece = 64;
    const Files files = files_in(folder);
    const Files known = seen_files(database);
    std::vector<std::pair<std::string, Seen>> changed;
    for (const auto& file : files) {
      const auto before = known.find(file.first);
      if (before == known.end() || before->second != file.second) changed.emplace_back(file);
    }
    std::vector<std::string> gone;
    for (const auto& [file, seen] : known) {
      if (lies_in(folder, file) && !files.contains(file)) gone.push_back(file);
    }
    if (!gone.empty()) {
      SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
      for (const std::string& file : gone) forget(database, file);
      transaction.commit();
    }
    for (std::size_t begin = 0; begin < changed.size(); begin += kPiece) {
      const std::size_t end = std::min(begin + kPiece, changed.size());
      take_in(std::span(changed).subspan(begin, end - begin));
      if (on_progress) on_progress(end, changed.size());
    }
  }
};

Index::Index(std::unique_ptr<State> state) : state_(std::move(state)) {}
Index::Index(Index&& other) noexcept = default;
Index& Index::operator=(Index&& other) noexcept = default;
Index::~Index() = default;

Result<Index> Index::open(const std::string& data_folder, const OnProgress& on_progress) {
  if (const Status made = store::make_folder(data_folder); !made) {
    return tl::unexpected(made.error());
  }
  const std::string path = fmt::format("{}/{}", data_folder, kFileName);
  std::string set_aside;
  for (;;) {
    try {
      SQLite::Database database = open_database(path);
      const int version = version_of(database);
      if (version > kIndexVersion) {
        return error(ErrorKind::output,
                     fmt::format("{} was made by a newer sweetspot", printable(path)),
                     "use that one, or remove the file: it is made again from the runs");
      }
      auto state = std::make_unique<State>(
          State{path, store::runs_folder(data_folder), set_aside, std::move(database)});
      if (version == 0) state->make();
      state->follow(on_progress);
      return Index(std::move(state));
    } catch (const SQLite::Exception& problem) {
      if (!is_damage(problem.getErrorCode() & 0xff) || !set_aside.empty()) {
        return of_sqlite(path, problem);
      }
    }
    set_aside = free_name(path);
    std::error_code failed;
    fs::rename(path, set_aside, failed);
    // What a process that was killed left to undo belongs to the damaged one.
    fs::remove(path + "-journal", failed);
  }
}

const std::string& Index::set_aside() const { return state_->set_aside; }

Result<std::vector<Unreadable>> Index::unreadable() const {
  return guarded(state_->path, [&] { return select_unreadable(state_->database); });
}

Result<std::vector<RunEntry>> Index::list(const Wanted& wanted) const {
  return guarded(state_->path, [&] { return select(state_->database, wanted); });
}

Result<RunEntry> Index::find(const std::string& name) const {
  Result<std::vector<RunEntry>> found = guarded(state_->path, [&] {
    if (name == "latest") {
      Wanted newest;
      newest.most = 1;
      return select(state_->database, newest);
    }
    std::vector<RunEntry> named = select_named(state_->database, name);
    return named.empty() ? select_named(state_->database, plain(name)) : named;
  });
  if (!found) return tl::unexpected(found.error());
  if (found->size() == 1) return std::move(found->front());
  if (found->empty()) {
    return error(ErrorKind::usage, fmt::format("the history has no run '{}'", printable(name)),
                 "`sweetspot history` lists what there is");
  }
  return error(ErrorKind::usage,
               fmt::format("'{}' may be {} or {}, or more", printable(name),
                           printable(found->front().name), printable(found->back().name)),
               "name more of it, or its path");
}

Status Index::add(const std::string& path) {
  const std::string file = plain(path);
  const std::optional<Seen> seen = seen_now(file);
  const Result<Run> run = store::load_run(file);
  if (!run) return tl::unexpected(run.error());
  return guarded(state_->path, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    put(state_->database, entry_of(*run, file), seen.value_or(Seen{}));
    transaction.commit();
  });
}

Result<bool> Index::remove(const RunEntry& entry) {
  const bool ours = lies_in(state_->folder, entry.path);
  if (ours) {
    std::error_code failed;
    fs::remove(entry.path, failed);
    if (failed) {
      return error(ErrorKind::output,
                   fmt::format("cannot remove {}: {}", printable(entry.path), failed.message()),
                   "check the folder's permissions");
    }
  }
  const Status forgotten = guarded(state_->path, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    forget(state_->database, entry.path);
    transaction.commit();
  });
  if (!forgotten) return tl::unexpected(forgotten.error());
  return ours;
}

}  // namespace sweetspot::history
