#include "devices/gpu_metrics.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>

namespace sweetspot::devices {
namespace {

// struct gpu_metrics_v1_3 of the kernel's kgd_pp_interface.h: the 64-bit mask that means the same
// on all cards is its last member.
constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kMaskOffset = 112;
constexpr std::size_t kTableBytes = kMaskOffset + sizeof(std::uint64_t);

struct Group {
  const char* reason;
  unsigned first_bit;
  unsigned last_bit;
};

// SMU_THROTTLER_*_BIT of the kernel's amdgpu_smu.h.
constexpr std::array<Group, 4> kGroups{{{"power cap", 0, 15},
                                        {"current limit", 16, 31},
                                        {"thermal slowdown", 32, 55},
                                        {"other limit", 56, 63}}};

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i - 1]);
  }
  return value;
}

}  // namespace

Reading<std::vector<std::string>> active_limiters(std::string_view table) {
  if (table.size() < kHeaderBytes) return Absence{"gpu_metrics: too short"};
  const int format = static_cast<unsigned char>(table[2]);
  const int content = static_cast<unsigned char>(table[3]);
  if (format != 1 || content != 3 || table.size() < kTableBytes) {
    return Absence{fmt::format("gpu_metrics {}.{} is not read", format, content)};
  }
  const std::uint64_t mask = little_endian(table.substr(kMaskOffset, sizeof(std::uint64_t)));
  if (mask == std::numeric_limits<std::uint64_t>::max()) {
    return Absence{"gpu_metrics: the firmware does not tell"};
  }
  std::vector<std::string> reasons;
  for (const Group& group : kGroups) {
    const std::uint64_t below = mask << (63U - group.last_bit) >> (63U - group.last_bit);
    if (below >> group.first_bit != 0) reasons.emplace_back(group.reason);
  }
  return reasons;
}

}  // namespace sweetspot::devices
