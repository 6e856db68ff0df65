#include "store/driver_share_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/json.hpp"
#include "core/text.hpp"
#include "store/file_lock.hpp"
#include "store/kept_file.hpp"
#include "store/paths.hpp"

namespace sweetspot::store {
namespace {

constexpr const char* kSchema = "sweetspot.driver-shares/1";

struct FoundShares {
  KeptState state = KeptState::none;
  std::vector<MeasuredShare> shares;  // where it is whole
  std::string why;
};

FoundShares damaged_shares(std::string why) { return {KeptState::damaged, {}, std::move(why)}; }

tl::unexpected<Error> unusable(const FoundShares& found, const std::string& path) {
  switch (found.state) {
    case KeptState::newer:
      return error(ErrorKind::output,
                   fmt::format("{} was made by a newer sweetspot ({})", shown(path), found.why),
                   "use that one; the file is left as it is");
    case KeptState::damaged:
      return error(ErrorKind::output, fmt::format("{} cannot be used: {}", shown(path), found.why),
                   "remove it; what it holds is measured again");
    default:
      return error(ErrorKind::output, fmt::format("cannot read {}: {}", shown(path), found.why),
                   "check the file and its permissions");
  }
}

FoundShares parsed_shares(std::string_view text) {
  const Result<Json> json = parse_json(text);
  if (!json) return damaged_shares("it is no JSON");
  const std::string schema = schema_of(*json);
  if (schema.empty()) return damaged_shares("it names no schema");
  const KeptState state = state_of_schema(schema, kSchema);
  if (state == KeptState::newer) return {state, {}, printable(schema)};
  auto shares = guard(
      [&] {
        std::vector<MeasuredShare> read;
        for (const Json& share : json->at("shares"))
          read.push_back(measured_share_from_json(share));
        return read;
      },
      "driver shares");
  if (state == KeptState::damaged || !shares) {
    return damaged_shares("it does not hold " + std::string(kSchema));
  }
  return {KeptState::whole, *std::move(shares), {}};
}

FoundShares find_shares(const std::string& path) {
  KeptText kept = read_kept(path);
  if (kept.state != KeptState::whole) return {kept.state, {}, std::move(kept.why)};
  return parsed_shares(kept.text);
}

std::string text_of(const std::vector<MeasuredShare>& shares) {
  constexpr int kIndent = 2;
  Json list = Json::array();
  for (const MeasuredShare& each : shares) list.push_back(to_json(each));
  return dump({{"schema", kSchema}, {"shares", std::move(list)}}, kIndent) + '\n';
}

}  // namespace

Result<std::vector<MeasuredShare>> load_driver_shares(const std::string& path) {
  FoundShares found = find_shares(path);
  const bool usable = found.state == KeptState::none || found.state == KeptState::whole;
  if (!usable) return unusable(found, path);
  return std::move(found.shares);
}

Status keep_driver_share(const std::string& path, const MeasuredShare& share) {
  const std::string folder = os::folder_of(path);
  if (Status made = make_folder(folder); !made) return made;
  const Result<FolderLock> lock = FolderLock::take(folder);
  if (!lock) return tl::unexpected(lock.error());
  FoundShares found = find_shares(path);
  // A damaged file is replaced, since measuring again takes seconds. One of a newer version belongs
  // to the program that wrote it, and stays.
  if (found.state == KeptState::newer || found.state == KeptState::unreadable) {
    return unusable(found, path);
  }
  std::erase_if(found.shares, [&](const MeasuredShare& old) { return old.same_conditions(share); });
  found.shares.push_back(share);
  return write_kept(path, text_of(found.shares), system_file_calls());
}

}  // namespace sweetspot::store
