#include "core/server_memory.hpp"

#include <algorithm>

#include "ground/bytes.hpp"

namespace sweetspot {
namespace {

constexpr std::uint64_t kStepMiB = 128;

std::uint64_t count_of(int number) { return static_cast<std::uint64_t>(std::max(number, 0)); }

}  // namespace

std::uint64_t checkpoints_bytes(const Config& config, std::uint64_t checkpoint_bytes) {
  const std::uint64_t of_each = count_of(config.server.n_ctx_checkpoints);
  return times(times(of_each, config.context.n_parallel), checkpoint_bytes);
}

std::uint64_t prompt_cache_bytes(const ServerSettings& server) {
  return server.cache_ram_mib < 0 ? kMostBytes : times(count_of(server.cache_ram_mib), kMiB);
}

ServerSettings settings_within(const Config& config, std::uint64_t checkpoint_bytes,
                               std::uint64_t room_bytes) {
  Config fitted = config;
  const std::uint64_t row = times(checkpoint_bytes, config.context.n_parallel);
  if (row > 0) {
    fitted.server.n_ctx_checkpoints =
        static_cast<int>(std::min(count_of(config.server.n_ctx_checkpoints), room_bytes / row));
  }
  const std::uint64_t left =
      room_bytes - std::min(room_bytes, checkpoints_bytes(fitted, checkpoint_bytes));
  if (left < prompt_cache_bytes(config.server) && config.server.cache_ram_mib > 0) {
    fitted.server.cache_ram_mib = static_cast<int>(left / kMiB / kStepMiB * kStepMiB);
  }
  return fitted.server;
}

}  // namespace sweetspot
