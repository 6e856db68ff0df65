// The model as it is loaded now, if it is: one placement, maybe with a context.
#pragma once

#include <memory>
#include <optional>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/model_info.hpp"
#include "engine/holder.hpp"
#include "profiler/site.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::profiler {

/// Not thread safe. The references must outlive it.
class HeldModel {
 public:
  HeldModel(Site& site, const ModelInfo& model) : site_(site), model_(model) {}

  /// There is a holder, with or without weights.
  [[nodiscard]] bool stands() const { return holder_ != nullptr; }
  [[nodiscard]] bool is_sound() const { return stands() && loaded_ && holder_->alive(); }
  [[nodiscard]] bool holds(const Placement& placement) const {
    return stands() && placement_ == placement;
  }
  [[nodiscard]] bool holds(const Config& config) const {
    return holds(config.placement) && context_ == config.context;
  }

  /// A new holder for that placement, without weights; there must be none.
  Outcome<void> start(const Placement& placement);

  /// Of the holder there is.
  Outcome<protocol::LoadResult> load(const engine::ProgressFn& on_progress);

  /// A new context; of a holder that loads the model for each, the one there is where it is the
  /// same.
  Outcome<protocol::ContextResult> make_context(const ContextSettings& settings);

  /// To measure and check with; there must be one.
  [[nodiscard]] engine::Holder& holder() { return *holder_; }

  /// Whether this holder keeps the output of an f16 cache.
  [[nodiscard]] bool keeps_reference() const { return keeps_reference_; }
  void reference_is_kept() { keeps_reference_ = true; }

  /// Ends the holder. False where it could not be ended, true where there is none.
  bool release();

  /// Another holder of the same run could not be ended.
  void note_stuck(bool stuck) { stuck_ = stuck_ || stuck; }

  /// A holder could not be ended: it hangs in a driver and keeps its device (R6).
  [[nodiscard]] bool stuck() const { return stuck_; }

 private:
  Site& site_;
  const ModelInfo& model_;
  std::unique_ptr<engine::Holder> holder_;
  Placement placement_;
  std::optional<ContextSettings> context_;
  std::optional<protocol::ContextResult> made_;  ///< what was answered for it
  bool loaded_ = false;
  bool keeps_reference_ = false;
  bool stuck_ = false;
};

}  // namespace sweetspot::profiler
