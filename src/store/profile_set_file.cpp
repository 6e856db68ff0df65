#include "store/profile_set_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/json.hpp"
#include "core/text.hpp"
#include "store/file_lock.hpp"
#include "store/open_file.hpp"

namespace sweetspot::store {
namespace {

constexpr std::size_t kMaxShownPath = 400;
constexpr std::size_t kMaxFileBytes = 16U << 20U;  // real ones have some ten thousand

std::string shown(const std::string& path) { return printable(path, kMaxShownPath); }

// What lies at a path.
enum class State { none, whole, damaged, newer, unreadable };

struct Found {
  State state = State::none;
  ProfileSet set;  // where it is whole
  std::string why;
};

Found damaged(std::string why) { return {State::damaged, {}, std::move(why)}; }

Found unreadable(int code) {
  return {State::unreadable, {}, std::generic_category().message(code)};
}

Error as_error(const Found& found, const std::string& path) {
  switch (found.state) {
    case State::none:
      return {ErrorKind::output, fmt::format("there is no profile set at {}", shown(path)),
              "sweetspot profile makes one"};
    case State::newer:
      return {ErrorKind::output,
              fmt::format("{} was made by a newer sweetspot ({})", shown(path), found.why),
              "use that one; the file is left as it is"};
    case State::damaged:
      return {ErrorKind::output,
              fmt::format("{} is no whole profile set: {}", shown(path), found.why),
              "remove it; sweetspot profile makes a new one"};
    default:
      return {ErrorKind::output, fmt::format("cannot read {}: {}", shown(path), found.why),
              "check the file and its permissions"};
  }
}

// nlohmann's sentence without its class and number.
std::string reason_of(const Error& failure) {
  const std::size_t bracket = failure.message.rfind("] ");
  return printable(bracket == std::string::npos ? failure.message
                                                : failure.message.substr(bracket + 2));
}

// What version the text says it is; empty where it names no profile set at all.
std::string_view version_of(std::string_view schema) {
  constexpr std::string_view kCurrent = kProfileSetSchema;
  constexpr std::string_view kFamily = kCurrent.substr(0, kCurrent.rfind('/') + 1);
  if (!schema.starts_with(kFamily)) return {};
  return schema.substr(kFamily.size());
}

Found parsed(std::string_view text) {
  const Result<Json> json = parse_json(text);
  if (!json) return damaged("it is no JSON");
  const auto member = json->is_object() ? json->find("schema") : json->end();
  if (member == json->end() || !member->is_string()) return damaged("it names no schema");
  const auto schema = member->get<std::string>();
  const std::string_view version = version_of(schema);
  if (version.empty() || version == "0") return damaged("it does not hold profiles");
  // Versions before the current one would be brought up to it here, in memory, one step after the
  // other. The first one is the current one.
  if (schema != kProfileSetSchema) return {State::newer, {}, printable(schema)};
  auto set = guard([&] { return profile_set_from_json(*json); }, "profile set");
  if (!set) return damaged(reason_of(set.error()));
  return {State::whole, std::move(*set), {}};
}

Found find_set(const std::string& path) {
  const OpenFile file(path);
  if (file.get() < 0) {
    return errno == ENOENT || errno == ENOTDIR ? Found{} : unreadable(errno);
  }
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return unreadable(errno);
  if (!S_ISREG(info.st_mode)) return {State::unreadable, {}, "it is not a file"};
  if (static_cast<std::uint64_t>(info.st_size) > kMaxFileBytes) return damaged("it is too large");
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  if (!file.read_at(0, text)) return unreadable(errno);
  return parsed(text);
}

// None where the folder cannot be read.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  std::filesystem::directory_iterator entry(folder, failure);
  while (!failure && entry != std::filesystem::directory_iterator()) {
    names.push_back(entry->path().filename().string());
    entry.increment(failure);
  }
  return names;
}

// What a writer leaves that is killed between making its temporary file and renaming it:
// ".sweetspot-<pid>-<n>.tmp" (durable_file.cpp). Those of the living are theirs.
void remove_left_behind(const std::string& folder) {
  constexpr std::string_view kPrefix = ".sweetspot-";
  constexpr std::string_view kSuffix = ".tmp";
  for (const std::string& name : names_in(folder)) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    pid_t pid = 0;
    const auto [end, code] =
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid);
    if (code != std::errc{} || *end != '-' || pid <= 0) continue;
    if (::kill(pid, 0) != 0 && errno == ESRCH) {
      ::unlink(fmt::format("{}/{}", folder, name).c_str());
    }
  }
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// What could not be read back is never written: it would be refused by everyone from then on.
Result<std::string> text_of(const ProfileSet& set) {
  constexpr int kIndent = 2;
  std::string text = dump(to_json(set), kIndent) + '\n';
  const Found back = parsed(text);
  if (back.state != State::whole) {
    return error(ErrorKind::internal, "a profile set does not fit together: " + back.why);
  }
  return text;
}

Result<bool> update(const std::string& path, const Successor& successor, bool over_damaged,
                    const FileCalls& calls) {
  const Result<FolderLock> lock = FolderLock::take(folder_of(path));
  if (!lock) return tl::unexpected(lock.error());
  const Found found = find_set(path);
  const bool replaceable = found.state == State::none || found.state == State::whole ||
                           (found.state == State::damaged && over_damaged);
  if (!replaceable) return tl::unexpected(as_error(found, path));
  const auto next = successor(found.state == State::whole ? &found.set : nullptr);
  if (!next) return false;
  const Result<std::string> text = text_of(*next);
  if (!text) return tl::unexpected(text.error());
  remove_left_behind(folder_of(path));
  if (const Status written = write_atomically(path, *text, calls); !written) {
    return error(written.error().kind, written.error().message,
                 "make room there, or set XDG_DATA_HOME to a folder that can be written");
  }
  return true;
}

std::vector<StoredSet> sets_whose_name_begins(const std::string& folder, std::string_view begin) {
  std::vector<std::string> paths;
  for (const std::string& name : names_in(folder)) {
    if (name.starts_with(begin) && name.ends_with(".json") && !name.starts_with('.')) {
      paths.push_back(fmt::format("{}/{}", folder, name));
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<StoredSet> sets;
  sets.reserve(paths.size());
  for (const std::string& path : paths) sets.push_back({path, load_profile_set(path)});
  return sets;
}

}  // namespace

Result<ProfileSet> load_profile_set(const std::string& path) {
  Found found = find_set(path);
  if (found.state != State::whole) return tl::unexpected(as_error(found, path));
  return std::move(found.set);
}

Result<bool> update_profile_set(const std::string& path, const Successor& successor,
                                const FileCalls& calls) {
  const std::string folder = folder_of(path);
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    return error(ErrorKind::output,
                 fmt::format("cannot make the folder {}: {}", shown(folder), failure.message()),
                 "check the folder and its permissions");
  }
  return update(path, successor, /*over_damaged=*/true, calls);
}

Status save_profile_set(const std::string& path, const ProfileSet& set, const FileCalls& calls) {
  const auto written = update_profile_set(
      path, [&](const ProfileSet*) { return set; }, calls);
  if (!written) return tl::unexpected(written.error());
  return {};
}

Status add_report(const std::string& path, const LoadReport& report) {
  // Before the lock, which would leave its file in a folder that has no set.
  if (const Found found = find_set(path); found.state != State::whole) {
    return tl::unexpected(as_error(found, path));
  }
  bool there = false;
  const auto with_report = [&](const ProfileSet* old) -> std::optional<ProfileSet> {
    there = old != nullptr;
    if (!there) return std::nullopt;
    ProfileSet set = *old;
    set.reports.push_back(report);
    if (set.reports.size() > kKeptReports) {
      const auto surplus = static_cast<std::ptrdiff_t>(set.reports.size() - kKeptReports);
      set.reports.erase(set.reports.begin(), set.reports.begin() + surplus);
    }
    return set;
  };
  const auto written = update(path, with_report, /*over_damaged=*/false, system_file_calls());
  if (!written) return tl::unexpected(written.error());
  if (!there) return tl::unexpected(as_error(Found{}, path));
  return {};
}

Status remove_profile_set(const std::string& path) {
  if (const Found found = find_set(path); found.state == State::none) {
    return tl::unexpected(as_error(found, path));
  }
  const Result<FolderLock> lock = FolderLock::take(folder_of(path));
  if (!lock) return tl::unexpected(lock.error());
  if (::unlink(path.c_str()) != 0) {
    return error(
        ErrorKind::output,
        fmt::format("cannot remove {}: {}", shown(path), std::generic_category().message(errno)),
        "check the folder and its permissions");
  }
  return {};
}

std::vector<StoredSet> list_profile_sets(const std::string& data_folder) {
  return sets_whose_name_begins(data_folder + "/profiles", "");
}

std::vector<StoredSet> profile_sets_of(const std::string& data_folder, const ModelKey& model,
                                       const std::vector<std::string>& rpc) {
  constexpr std::string_view kExtension = ".json";
  const std::filesystem::path path = profile_set_path(data_folder, model, rpc);
  const std::string name = path.filename().string();
  return sets_whose_name_begins(path.parent_path().string(),
                                name.substr(0, name.size() - kExtension.size()));
}

}  // namespace sweetspot::store
