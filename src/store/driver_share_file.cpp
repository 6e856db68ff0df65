#include "store/driver_share_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/json.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::store {
namespace {

constexpr const char* kSchema = "sweetspot.driver-shares/1";

Json share_to_json(const MeasuredShare& share) {
  return {{"device", share.device},          {"backend", share.backend},
          {"driver", share.driver},          {"engine", share.engine},
          {"low_bytes", share.low_bytes},    {"high_bytes", share.high_bytes},
          {"measured_at", share.measured_at}};
}

MeasuredShare share_from_json(const Json& json) {
  return {json.at("device").get<std::string>(),
          json.at("backend").get<std::string>(),
          json.at("driver").get<std::string>(),
          json.at("engine").get<std::string>(),
          checked<std::uint64_t>(json.at("low_bytes"), "low_bytes"),
          checked<std::uint64_t>(json.at("high_bytes"), "high_bytes"),
          json.at("measured_at").get<std::string>()};
}

tl::unexpected<Error> unusable(const std::string& path, const std::string& why) {
  return error(ErrorKind::output, fmt::format("{} cannot be used: {}", path, why),
               "remove it; what it holds is measured again");
}

}  // namespace

Result<std::vector<MeasuredShare>> load_driver_shares(const std::string& path) {
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) return std::vector<MeasuredShare>{};
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return unusable(path, "it cannot be read");
  const Result<Json> json = parse_json(text);
  if (!json) return unusable(path, "it is no JSON");
  auto shares = guard(
      [&] {
        if (json->at("schema").get<std::string>() != kSchema) {
          throw nlohmann::json::other_error::create(599, "its schema is another one", &*json);
        }
        std::vector<MeasuredShare> read;
        for (const Json& share : json->at("shares")) read.push_back(share_from_json(share));
        return read;
      },
      "driver shares");
  if (!shares) return unusable(path, "it does not hold " + std::string(kSchema));
  return shares;
}

Status keep_driver_share(const std::string& path, const MeasuredShare& share) {
  // What cannot be read is worth no more than measuring again.
  std::vector<MeasuredShare> shares =
      load_driver_shares(path).value_or(std::vector<MeasuredShare>{});
  std::erase_if(shares, [&](const MeasuredShare& old) { return old.same_conditions(share); });
  shares.push_back(share);
  Json list = Json::array();
  for (const MeasuredShare& each : shares) list.push_back(share_to_json(each));
  std::error_code failure;
  const auto folder = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    return error(ErrorKind::output,
                 fmt::format("cannot make the folder {}: {}", folder.string(), failure.message()));
  }
  return write_atomically(path, dump({{"schema", kSchema}, {"shares", std::move(list)}}, 2) + '\n');
}

}  // namespace sweetspot::store
