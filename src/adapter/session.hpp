// What the process holds between requests: a placement, and a server that runs with it.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "adapter/fit_params.hpp"
#include "adapter/measure.hpp"
#include "adapter/output.hpp"
#include "adapter/server.hpp"
#include "adapter/tokens.hpp"
#include "answering/answerer.hpp"
#include "answering/model.hpp"
#include "servers/read.hpp"

namespace sweetspot::adapter {

/// One function per request. `load` only remembers: llama-server loads a model and makes its
/// context in one go, so that every `context` starts a server of its own.
class Session final : public answering::Answerer {
 public:
  /// `program`: the llama-server, as --engine takes it. `stopped` becomes true when the supervisor
  /// asks to end the measurement in flight.
  Session(std::string program, const std::atomic<bool>& stopped)
      : program_(std::move(program)), stopped_(stopped) {}

  Answer<protocol::HelloResult> run(const protocol::HelloRequest& request, Reply& reply) override;
  Answer<protocol::InspectResult> run(const protocol::InspectRequest& request,
                                      Reply& reply) override;
  Answer<protocol::MapResult> run(const protocol::MapRequest& request, Reply& reply) override;
  Answer<protocol::LoadResult> run(const protocol::LoadRequest& request, Reply& reply) override;
  Answer<protocol::ContextResult> run(const protocol::ContextRequest& request,
                                      Reply& reply) override;
  Answer<protocol::MeasureResult> run(const protocol::MeasureRequest& request,
                                      Reply& reply) override;
  Answer<protocol::CheckResult> run(const protocol::CheckRequest& request, Reply& reply) override;
  Answer<protocol::DivergenceResult> run(const protocol::DivergenceRequest& request,
                                         Reply& reply) override;
  Answer<protocol::FullDepthResult> run(const protocol::FullDepthRequest& request,
                                        Reply& reply) override;
  Answer<protocol::UnloadResult> run(const protocol::UnloadRequest& request, Reply& reply) override;
  Answer<protocol::SynthResult> run(const protocol::SynthRequest& request, Reply& reply) override;
  protocol::Fault serve(const protocol::ServeRequest& request, Reply& reply) override;

  void begin_request() override { log_mark_ = server_ ? server_->log_size() : 0; }
  std::vector<std::string> problems() override;

 private:
  struct Loaded {
    ModelInfo model;
    Placement placement;
    Tokens tokens;
  };

  [[nodiscard]] Answer<Slots> slots(Phase phase) const;
  [[nodiscard]] std::string devices_passed_over(const MemoryMap& memory) const;

  std::string program_;
  const std::atomic<bool>& stopped_;
  std::optional<servers::ServerCard> engine_;  ///< once hello was said
  std::optional<FitParams> fit_params_;        ///< where the engine has one
  std::vector<std::string> rpc_;
  answering::InspectedModels inspected_;
  std::optional<Loaded> loaded_;
  std::optional<Server> server_;
  std::uint64_t log_mark_ = 0;
  std::vector<std::string> last_log_;  ///< problems of a server that did not start
  std::optional<Ranked> reference_;    ///< kept by a divergence request, whatever runs next
  std::optional<std::int32_t> whole_token_;
  std::uint32_t n_slots_ = 0;
  std::uint32_t slot_tokens_ = 0;
};

}  // namespace sweetspot::adapter
