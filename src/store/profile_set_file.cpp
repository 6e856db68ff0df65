#include "store/profile_set_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/json.hpp"
#include "core/text.hpp"
#include "store/file_lock.hpp"
#include "store/kept_file.hpp"
#include "store/paths.hpp"

namespace sweetspot::store {
namespace {

using State = KeptState;

struct FoundSet {
  State state = State::none;
  ProfileSet set;  // where it is whole
  std::string why;
};

FoundSet damaged_set(std::string why) { return {State::damaged, {}, std::move(why)}; }

Error as_error(const FoundSet& found, const std::string& path) {
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

FoundSet parsed_set(std::string_view text) {
  const Result<Json> json = parse_json(text);
  if (!json) return damaged_set("it is no JSON");
  const std::string schema = schema_of(*json);
  if (schema.empty()) return damaged_set("it names no schema");
  const State state = state_of_schema(schema, kProfileSetSchema);
  if (state == State::damaged) return damaged_set("it does not hold profiles");
  if (state == State::newer) return {State::newer, {}, printable(schema)};
  auto set = guard([&] { return profile_set_from_json(*json); }, "profile set");
  if (!set) return damaged_set(reason_of(set.error()));
  return {State::whole, std::move(*set), {}};
}

FoundSet find_set(const std::string& path) {
  KeptText kept = read_kept(path);
  if (kept.state != State::whole) return {kept.state, {}, std::move(kept.why)};
  return parsed_set(kept.text);
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

// What could not be read back is never written: it would be refused by everyone from then on.
Result<std::string> text_of(const ProfileSet& set) {
  constexpr int kIndent = 2;
  std::string text = dump(to_json(set), kIndent) + '\n';
  const FoundSet back = parsed_set(text);
  if (back.state != State::whole) {
    return error(ErrorKind::internal, "a profile set does not fit together: " + back.why);
  }
  return text;
}

Result<bool> update(const std::string& path, const Successor& successor, bool over_damaged,
                    const FileCalls& calls) {
  const Result<FolderLock> lock = FolderLock::take(os::folder_of(path));
  if (!lock) return tl::unexpected(lock.error());
  const FoundSet found = find_set(path);
  const bool replaceable = found.state == State::none || found.state == State::whole ||
                           (found.state == State::damaged && over_damaged);
  if (!replaceable) return tl::unexpected(as_error(found, path));
  const auto next = successor(found.state == State::whole ? &found.set : nullptr);
  if (!next) return false;
  const Result<std::string> text = text_of(*next);
  if (!text) return tl::unexpected(text.error());
  if (const Status written = write_kept(path, *text, calls); !written) {
    return tl::unexpected(written.error());
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
  FoundSet found = find_set(path);
  if (found.state != State::whole) return tl::unexpected(as_error(found, path));
  return std::move(found.set);
}

Result<bool> update_profile_set(const std::string& path, const Successor& successor,
                                const FileCalls& calls) {
  if (const Status made = make_folder(os::folder_of(path)); !made)
    return tl::unexpected(made.error());
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
  if (const FoundSet found = find_set(path); found.state != State::whole) {
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
  if (!there) return tl::unexpected(as_error(FoundSet{}, path));
  return {};
}

Status remove_profile_set(const std::string& path) {
  if (const FoundSet found = find_set(path); found.state == State::none) {
    return tl::unexpected(as_error(found, path));
  }
  const Result<FolderLock> lock = FolderLock::take(os::folder_of(path));
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
