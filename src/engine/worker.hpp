// A worker process as a value: start it, ask it, end it.
//
// Every call answers in bounded time: with a result, or with a Failure that says what happened and
// in which phase. After a Fault (the worker reported what went wrong) the worker lives on and can
// be asked again; after every other failure it has been ended with all it started.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "engine/holder.hpp"
#include "engine/locate.hpp"
#include "process/cancel.hpp"
#include "process/tree.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::engine {

/// How long each phase may take.
struct Deadlines {
  double start_seconds = 20;        ///< from spawn to the first event
  double hello_seconds = 60;        ///< backends and devices; also `serve` until it is ready
  double rpc_connect_seconds = 10;  ///< each server
  double inspect_seconds = 30;
  double load_base_seconds = 60;  ///< plus the file's size at load_bytes_per_second
  double load_bytes_per_second = 20e6;
  double context_seconds = 120;  ///< also unload
  double step_seconds =
      120;  ///< between two samples or signs of progress: decode, fill, check, synth
  double full_depth_seconds = 600;
  /// A whole request, however often it reports progress; saying hello with all its servers too.
  double request_seconds = 3600;
  double synth_seconds = 6 * 3600;  ///< files of hundreds of GiB are written
  double silence_seconds = 15;      ///< no event at all, heartbeats included
  /// Until a killed tree must be gone, or the worker counts as stuck. A thread of the lowest
  /// priority (Mesa's, for its shaders) takes seconds to end on a machine that others keep busy.
  double kill_seconds = 20;
  /// For a worker to end by itself when nobody asks it any more, before it is killed; 0 = none
  /// needs to. What it started may have to be asked to end (a container whose client is killed
  /// lives on).
  double leave_seconds = 0;
};

struct StartOptions {
  WorkerProgram program;
  /// Where `program` drives a llama-server: the worker with a llama.cpp in it, for what only that
  /// can do; empty = there is none.
  std::optional<WorkerProgram> linked_worker;
  /// Of the llama-server that `program` drives, as Engine has them; empty = it drives none.
  std::string engine_program;
  std::string engine_hash;
  std::vector<std::string> rpc;  ///< "host:port"
  Deadlines deadlines;
  process::CancelToken* cancel = nullptr;  ///< ends every wait; must outlive the worker
  std::uint64_t host_reserve_bytes = 0;  ///< less available host memory ends the worker; 0 = never
  /// Who reads the machine's memory; empty = nobody, and then no worker is ended for it.
  std::function<std::optional<std::uint64_t>()> available_host_bytes;
  std::vector<std::pair<std::string, std::string>> environment;  ///< added for the worker

  // For tests.
  std::optional<process::ProcessTable> process_table;  ///< empty = the system's
};

/// Move only, not thread safe. Start it from a thread that lives as long as the worker.
class Worker final : public Holder {
 public:
  /// Spawns the program and says hello.
  static Outcome<Worker> start(const StartOptions& options);

  ~Worker() override;  ///< as end()
  Worker(Worker&&) noexcept;
  Worker& operator=(Worker&&) noexcept;

  /// What the worker said of itself.
  [[nodiscard]] const protocol::HelloResult& hello() const;
  [[nodiscard]] const std::vector<Device>& devices() const override { return hello().devices; }
  [[nodiscard]] const protocol::Abilities& abilities() const override { return hello().abilities; }

  /// `header_only`: the file may end before its weights do.
  Outcome<ModelInfo> inspect(const std::string& path, bool header_only = false);

  /// What llama.cpp would allocate for each config. engine/oracle.hpp survives a crash of it.
  Outcome<protocol::MapResult> map(const protocol::MapRequest& request,
                                   const ProgressFn& on_progress = {});

  Outcome<protocol::LoadResult> load(const protocol::LoadRequest& request,
                                     std::uint64_t model_bytes,
                                     const ProgressFn& on_progress = {}) override;
  Outcome<protocol::ContextResult> context(const ContextSettings& settings) override;
  Outcome<protocol::MeasureResult> measure(const protocol::MeasureRequest& request, Phase phase,
                                           const OnSample& on_sample) override;
  Outcome<protocol::CheckResult> check() override;
  Outcome<protocol::DivergenceResult> divergence(
      const protocol::DivergenceRequest& request) override;
  Outcome<protocol::FullDepthResult> full_depth(const ProgressFn& on_progress = {}) override;
  Outcome<protocol::UnloadResult> unload();
  Outcome<protocol::SynthResult> synth(const protocol::SynthRequest& request,
                                       const ProgressFn& on_progress = {});

  /// Returns once the server is about to listen; it serves until the worker is ended.
  Outcome<protocol::Ready> serve(const protocol::ServeRequest& request);

  /// After serve(): returns when the run is cancelled or the worker died, with the reason.
  Failure wait_while_serving();

  /// Kills the worker with all it started and reaps it.
  bool end() override;

  /// True when killing did not end it: a process in uninterruptible sleep holds its device (R6).
  [[nodiscard]] bool stuck() const;

  [[nodiscard]] bool alive() const override;
  [[nodiscard]] pid_t pid() const override;

 private:
  struct State;
  explicit Worker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sweetspot::engine
