#include "history/database.hpp"

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <utility>

namespace sweetspot::history {
namespace {

constexpr int kPatienceMs = 5000;  // for another process that writes

constexpr const char* kTables = R"(
CREATE TABLE runs(
  path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  name TEXT NOT NULL, started_at TEXT NOT NULL, mode TEXT NOT NULL, complete INTEGER NOT NULL,
  model TEXT NOT NULL, fingerprint TEXT NOT NULL, machine TEXT NOT NULL, engine TEXT NOT NULL,
  layers INTEGER, n_ctx INTEGER, speed REAL, speed_low REAL, speed_high REAL, prompt_speed REAL
) STRICT;
CREATE INDEX runs_by_time ON runs(started_at);
CREATE INDEX runs_by_name ON runs(name);
CREATE TABLE unreadable(
  path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, why TEXT NOT NULL
) STRICT;
)";

constexpr const char* kColumns =
    "name, path, started_at, mode, complete, model, fingerprint, machine, engine, layers, n_ctx, "
    "speed, speed_low, speed_high, prompt_speed";

template <typename T>
void bind_if(SQLite::Statement& query, const char* name, const std::optional<T>& value) {
  if (value) {
    query.bind(name, *value);
  } else {
    query.bind(name);
  }
}

RunEntry entry_in(SQLite::Statement& row) {
  int column = 0;
  const auto text = [&] { return row.getColumn(column++).getString(); };
  RunEntry entry;
  entry.name = text();
  entry.path = text();
  entry.started_at = text();
  entry.mode = text();
  entry.complete = row.getColumn(column++).getInt() != 0;
  entry.model = text();
  entry.fingerprint = text();
  entry.machine = text();
  entry.engine = text();
  const SQLite::Column layers = row.getColumn(column++);
  if (!layers.isNull()) entry.layers = layers.getInt();
  const SQLite::Column n_ctx = row.getColumn(column++);
  if (!n_ctx.isNull()) entry.n_ctx = n_ctx.getUInt();
  const SQLite::Column speed = row.getColumn(column++);
  const double low = row.getColumn(column++).getDouble();
  const double high = row.getColumn(column++).getDouble();
  if (!speed.isNull()) entry.tokens_per_second = Estimate{speed.getDouble(), low, high};
  const SQLite::Column prompt = row.getColumn(column++);
  if (!prompt.isNull()) entry.prompt_tokens_per_second = prompt.getDouble();
  return entry;
}

std::vector<RunEntry> entries_of(SQLite::Statement& query) {
  std::vector<RunEntry> entries;
  while (query.executeStep()) entries.push_back(entry_in(query));
  return entries;
}

}  // namespace

SQLite::Database open_database(const std::string& path) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kPatienceMs);
  database.exec("PRAGMA synchronous = FULL");
  return database;
}

int version_of(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

void make_tables(SQLite::Database& database) {
  database.exec(kTables);
  database.exec(fmt::format("PRAGMA user_version = {}", kIndexVersion));
}

std::map<std::string, Seen> seen_files(SQLite::Database& database) {
  std::map<std::string, Seen> seen;
  SQLite::Statement query(database,
                          "SELECT path, size_bytes, mtime_ns FROM runs UNION ALL "
                          "SELECT path, size_bytes, mtime_ns FROM unreadable");
  while (query.executeStep()) {
    seen[query.getColumn(0).getString()] = {query.getColumn(1).getInt64(),
                                            query.getColumn(2).getInt64()};
  }
  return seen;
}

void put(SQLite::Database& database, const RunEntry& entry, const Seen& seen) {
  forget(database, entry.path);
  SQLite::Statement query(
      database,
      fmt::format("INSERT INTO runs(size_bytes, mtime_ns, {}) VALUES(:size, :mtime, :name, :path, "
                  ":started_at, :mode, :complete, :model, :fingerprint, :machine, :engine, "
                  ":layers, :n_ctx, :speed, :low, :high, :prompt)",
                  kColumns));
  query.bind(":size", seen.size_bytes);
  query.bind(":mtime", seen.mtime_ns);
  query.bind(":name", entry.name);
  query.bind(":path", entry.path);
  query.bind(":started_at", entry.started_at);
  query.bind(":mode", entry.mode);
  query.bind(":complete", entry.complete ? 1 : 0);
  query.bind(":model", entry.model);
  query.bind(":fingerprint", entry.fingerprint);
  query.bind(":machine", entry.machine);
  query.bind(":engine", entry.engine);
  bind_if(query, ":layers", entry.layers);
  bind_if(query, ":n_ctx", entry.n_ctx);
  const auto& speed = entry.tokens_per_second;
  bind_if(query, ":speed", speed ? std::optional(speed->value) : std::nullopt);
  bind_if(query, ":low", speed ? std::optional(speed->low) : std::nullopt);
  bind_if(query, ":high", speed ? std::optional(speed->high) : std::nullopt);
  bind_if(query, ":prompt", entry.prompt_tokens_per_second);
  query.exec();
}

void put(SQLite::Database& database, const Unreadable& file, const Seen& seen) {
  forget(database, file.path);
  SQLite::Statement query(database, "INSERT INTO unreadable VALUES(?, ?, ?, ?)");
  query.bind(1, file.path);
  query.bind(2, seen.size_bytes);
  query.bind(3, seen.mtime_ns);
  query.bind(4, file.why);
  query.exec();
}

void forget(SQLite::Database& database, const std::string& path) {
  for (const char* table :
       {"DELETE FROM runs WHERE path = ?", "DELETE FROM unreadable WHERE path = ?"}) {
    SQLite::Statement query(database, table);
    query.bind(1, path);
    query.exec();
  }
}

std::vector<RunEntry> select(SQLite::Database& database, const Wanted& wanted) {
  SQLite::Statement query(
      database,
      fmt::format("SELECT {} FROM runs WHERE (instr(lower(model), lower(:model)) > 0 OR "
                  "instr(fingerprint, :model) > 0) AND instr(lower(machine), lower(:machine)) > 0 "
                  "AND instr(lower(engine), lower(:engine)) > 0 AND started_at >= :since "
                  "ORDER BY started_at DESC, path LIMIT :most",
                  kColumns));
  query.bind(":model", wanted.model);
  query.bind(":machine", wanted.machine);
  query.bind(":engine", wanted.engine);
  query.bind(":since", wanted.since);
  query.bind(":most", wanted.most == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(wanted.most));
  return entries_of(query);
}

// At most those that tell whether it is one.
std::vector<RunEntry> select_named(SQLite::Database& database, const std::string& name) {
  for (const char* condition :
       {"path = :name OR name = :name", "substr(name, 1, length(:name)) = :name"}) {
    SQLite::Statement query(database,
                            fmt::format("SELECT {} FROM runs WHERE {} ORDER BY started_at DESC "
                                        "LIMIT 2",
                                        kColumns, condition));
    query.bind(":name", name);
    if (std::vector<RunEntry> found = entries_of(query); !found.empty()) return found;
  }
  return {};
}

std::vector<Unreadable> select_unreadable(SQLite::Database& database) {
  std::vector<Unreadable> files;
  SQLite::Statement query(database, "SELECT path, why FROM unreadable ORDER BY path");
  while (query.executeStep()) {
    files.push_back({query.getColumn(0).getString(), query.getColumn(1).getString()});
  }
  return files;
}

}  // namespace sweetspot::history
