// What the process holds between requests: one model, one context.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/model_info.hpp"
#include "worker/answer.hpp"
#include "worker/decoder.hpp"
#include "worker/encoder.hpp"
#include "worker/llama_adapter.hpp"
#include "worker/next_token.hpp"
#include "worker/oracle.hpp"
#include "worker/outbox.hpp"

namespace sweetspot::worker {

/// One function per request. Used by one thread. Functions may throw what the libraries throw; main
/// turns that into a fault.
class Session {
 public:
  /// `stopped` becomes true when the supervisor asks to end the measurement in flight.
  explicit Session(const std::atomic<bool>& stopped) : stopped_(stopped) {}

  Answer<protocol::HelloResult> run(const protocol::HelloRequest& request, Reply& reply);
  Answer<protocol::InspectResult> run(const protocol::InspectRequest& request, Reply& reply);
  Answer<protocol::MapResult> run(const protocol::MapRequest& request, Reply& reply);
  Answer<protocol::LoadResult> run(const protocol::LoadRequest& request, Reply& reply);
  Answer<protocol::ContextResult> run(const protocol::ContextRequest& request, Reply& reply);
  Answer<protocol::MeasureResult> run(const protocol::MeasureRequest& request, Reply& reply);
  Answer<protocol::CheckResult> run(const protocol::CheckRequest& request, Reply& reply);
  Answer<protocol::DivergenceResult> run(const protocol::DivergenceRequest& request, Reply& reply);
  Answer<protocol::FullDepthResult> run(const protocol::FullDepthRequest& request, Reply& reply);
  Answer<protocol::UnloadResult> run(const protocol::UnloadRequest& request, Reply& reply);
  Answer<protocol::SynthResult> run(const protocol::SynthRequest& request, Reply& reply);

  [[nodiscard]] bool has_backends() const { return backends_loaded_; }

 private:
  void drop_context();
  [[nodiscard]] Answer<void> need_context(Phase phase) const;

  const std::atomic<bool>& stopped_;
  bool backends_loaded_ = false;
  std::map<std::string, std::vector<FileStamp>> inspected_;  ///< by path, to notice changes (R25)
  std::map<std::string, Oracle> oracles_;                    ///< by path
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
