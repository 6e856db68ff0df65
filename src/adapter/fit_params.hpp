// What a llama-server would allocate, answered by the llama-fit-params that lies beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/words.hpp"
#include "core/memory_map.hpp"
#include "dialect/abilities.hpp"
#include "servers/command.hpp"

namespace sweetspot::adapter {

/// The lines "CUDA0 4096 512 128" (model, context and compute in whole MiB, cut off; "Host" is the
/// host). Empty where there are none. Pure.
MemoryMap read_estimate(std::string_view printed);

/// Starts the program once for each config. Move only, not thread safe.
class FitParams {
 public:
  /// Nothing where it does not lie beside `server`, cannot print an estimate, or somebody else
  /// starts the server: what lies beside that one is not to be seen.
  static std::optional<FitParams> beside(const servers::ServerCommand& server);

  /// One answer for each config, in order. A config that it refuses is an answer too.
  [[nodiscard]] protocol::MapResult map(const protocol::MapRequest& request,
                                        const std::vector<std::string>& rpc, int threads,
                                        Reply& reply) const;

 private:
  FitParams(std::string program, dialect::Abilities abilities)
      : program_(std::move(program)), abilities_(std::move(abilities)) {}

  [[nodiscard]] PlannedMemory ask(const Config& config, const std::string& model_path,
                                  const std::vector<std::string>& rpc) const;

  std::string program_;
  dialect::Abilities abilities_;
};

}  // namespace sweetspot::adapter
