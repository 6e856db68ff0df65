// Memory maps from a worker, also where a config makes it crash.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "core/model_info.hpp"
#include "engine/worker.hpp"

namespace sweetspot::engine {

/// Asks llama.cpp, in a worker of its own, what it would allocate. A config on which llama.cpp
/// crashes is found by halving the batch; it gets an answer that says so, the others theirs. Where
/// a worker answers no maps (it drives a llama-server), StartOptions::linked_worker is asked in
/// its place. Move only, not thread safe.
class Oracle {
 public:
  /// Starts a worker and reads the header; with `header_only` the weights need not be there. Errors
  /// as those of `sweetspot inspect`, and kind device where an RPC server cannot be reached.
  static Result<Oracle> open(const StartOptions& options, const std::string& path,
                             bool header_only = true);

  [[nodiscard]] const ModelInfo& model() const { return model_; }
  [[nodiscard]] const protocol::HelloResult& hello() const { return hello_; }

  /// Maps are another program's answer: the one that was opened has none.
  [[nodiscard]] bool speaks_for_another() const { return speaks_for_another_; }

  /// One answer for each config, in order. Where llama.cpp makes none of them, and not the plainest
  /// one on the CPU alone either, it is no setting's fault: an error of kind model.
  Result<std::vector<PlannedMemory>> ask(const std::vector<Config>& configs);

  /// Ends the worker, which holds its devices. Asking again starts another.
  void end() { worker_.end(); }

  void on_progress(ProgressFn progress) { on_progress_ = std::move(progress); }

  /// Configs that llama.cpp answered, and passes over the header that took.
  [[nodiscard]] std::uint64_t asked() const { return asked_; }
  [[nodiscard]] std::uint64_t loads() const { return loads_; }

 private:
  Oracle(const StartOptions& options, Worker worker, ModelInfo model)
      : options_(options),
        worker_(std::move(worker)),
        hello_(worker_.hello()),
        model_(std::move(model)) {}

  Result<std::vector<PlannedMemory>> ask_halves(const std::vector<Config>& configs);
  Result<void> restart();
  Result<void> check_model();

  StartOptions options_;
  Worker worker_;
  protocol::HelloResult hello_;
  ModelInfo model_;
  ProgressFn on_progress_;
  std::uint64_t asked_ = 0;
  std::uint64_t loads_ = 0;
  bool speaks_for_another_ = false;
  bool usable_ = false;  // llama.cpp has made some config of it
};

}  // namespace sweetspot::engine
