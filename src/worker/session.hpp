// What the process holds between requests: one model, one context.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "answering/answerer.hpp"
#include "answering/model.hpp"
#include "worker/answer.hpp"
#include "worker/decoder.hpp"
#include "worker/encoder.hpp"
#include "worker/library_log.hpp"
#include "worker/llama_adapter.hpp"
#include "worker/next_token.hpp"
#include "worker/oracle.hpp"

namespace sweetspot::worker {

/// One function per request.
class Session final : public answering::Answerer {
 public:
  /// `stopped` becomes true when the supervisor asks to end the measurement in flight.
  explicit Session(const std::atomic<bool>& stopped) : stopped_(stopped) {}

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

  void begin_request() override { mark_ = library_log::mark(); }
  std::vector<std::string> problems() override { return library_log::problems(mark_); }

 private:
  void drop_context();
  [[nodiscard]] Answer<void> need_context(Phase phase) const;

  const std::atomic<bool>& stopped_;
  library_log::Mark mark_ = 0;
  bool backends_loaded_ = false;
  answering::InspectedModels inspected_;
  std::map<std::string, Oracle> oracles_;  ///< by path
  ModelHandle model_;
  Offloaded offloaded_;
  bool on_device_ = false;  ///< of the context's memory, or the model's
  ThreadPools threads_;     ///< freed after the context, which points to them
  ContextHandle context_;
  std::optional<Decoder> decoder_;       ///< of context_, where it generates
  std::optional<Encoder> encoder_;       ///< of context_, where it only reads
  std::uint32_t outputs_max_ = 0;        ///< of context_, as llama.cpp has it: 0 = the whole batch
  std::optional<NextTokens> reference_;  ///< kept by a divergence request, whatever is loaded next
};

}  // namespace sweetspot::worker
