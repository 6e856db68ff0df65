// The tables of the index. Internal to this room. Everything here throws SQLite::Exception.
#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/run_entry.hpp"
#include "history/index.hpp"

namespace sweetspot::history {

/// Raised when a table changes. An index of another version is not touched: the newer program
/// made it.
inline constexpr int kIndexVersion = 1;

/// What tells whether a file is still the one that was read.
struct Seen {
  std::int64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;

  bool operator==(const Seen&) const = default;
};

/// Opens or makes it. What is written is on the disk when a transaction has ended
/// (synchronous = FULL). Another process may hold it for some seconds.
SQLite::Database open_database(const std::string& path);

int version_of(SQLite::Database& database);

/// Of a database without tables.
void make_tables(SQLite::Database& database);

/// By path, runs and unreadable files alike.
std::map<std::string, Seen> seen_files(SQLite::Database& database);

void put(SQLite::Database& database, const RunEntry& entry, const Seen& seen);
void put(SQLite::Database& database, const Unreadable& file, const Seen& seen);
void forget(SQLite::Database& database, const std::string& path);

std::vector<RunEntry> select(SQLite::Database& database, const Wanted& wanted);
std::vector<RunEntry> select_named(SQLite::Database& database, const std::string& name);
std::vector<Unreadable> select_unreadable(SQLite::Database& database);

}  // namespace sweetspot::history
