// A program that answers the supervisor: requests come in on descriptor 3, events go out on
// descriptor 4 (docs/protocol.md).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "answering/answer.hpp"
#include "answering/outbox.hpp"

namespace sweetspot::answering {

/// What a program answers with. Used by one thread. May throw: that becomes a fault.
class Answerer {
 public:
  Answerer() = default;
  virtual ~Answerer() = default;
  Answerer(const Answerer&) = delete;
  Answerer(Answerer&&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  Answerer& operator=(Answerer&&) = delete;

  virtual Answer<protocol::HelloResult> run(const protocol::HelloRequest&, Reply&) = 0;
  virtual Answer<protocol::InspectResult> run(const protocol::InspectRequest&, Reply&) = 0;
  virtual Answer<protocol::MapResult> run(const protocol::MapRequest&, Reply&) = 0;
  virtual Answer<protocol::LoadResult> run(const protocol::LoadRequest&, Reply&) = 0;
  virtual Answer<protocol::ContextResult> run(const protocol::ContextRequest&, Reply&) = 0;
  virtual Answer<protocol::MeasureResult> run(const protocol::MeasureRequest&, Reply&) = 0;
  virtual Answer<protocol::CheckResult> run(const protocol::CheckRequest&, Reply&) = 0;
  virtual Answer<protocol::DivergenceResult> run(const protocol::DivergenceRequest&, Reply&) = 0;
  virtual Answer<protocol::FullDepthResult> run(const protocol::FullDepthRequest&, Reply&) = 0;
  virtual Answer<protocol::UnloadResult> run(const protocol::UnloadRequest&, Reply&) = 0;
  virtual Answer<protocol::SynthResult> run(const protocol::SynthRequest&, Reply&) = 0;

  /// Sends `ready` and serves until the process ends; returns only where it cannot.
  virtual protocol::Fault serve(const protocol::ServeRequest&, Reply&) = 0;

  /// Called when a request begins: what the library printed before is no evidence for it.
  virtual void begin_request() = 0;

  /// The library's last warnings and errors since then, oldest first.
  virtual std::vector<std::string> problems() = 0;
};

/// Makes the answerer once the descriptors are read; `stopped` becomes true when the supervisor
/// asks to end the measurement in flight.
using MakeAnswerer = std::function<std::unique_ptr<Answerer>(const std::atomic<bool>& stopped)>;

/// Answers until the supervisor closes its end; then the process ends at once. Three threads: the
/// caller's works, one reads, one says every 500 ms that the process lives. Before anything else it
/// sees to it that a crash starts no debugger and writes no core, and that this process is the one
/// that the kernel ends when memory runs out.
[[noreturn]] void answer_supervisor(const MakeAnswerer& make);

}  // namespace sweetspot::answering
