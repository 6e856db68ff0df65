#include "profiler/held_model.hpp"

#include <utility>

namespace sweetspot::profiler {

Outcome<void> HeldModel::start(const Placement& placement) {
  auto started = site_.start(placement);
  if (!started) return tl::unexpected(started.error());
  holder_ = *std::move(started);
  placement_ = placement;
  context_.reset();
  loaded_ = keeps_reference_ = false;
  return {};
}

Outcome<protocol::LoadResult> HeldModel::load(const engine::ProgressFn& on_progress) {
  auto loaded = holder_->load({model_.path, placement_}, model_.size_bytes, on_progress);
  if (!loaded) return loaded;
  loaded_ = true;
  return loaded;
}

Outcome<protocol::ContextResult> HeldModel::make_context(const ContextSettings& settings) {
  // Where a context costs a load, the one that is there will do: what is in it is computed anew.
  const bool is_dear = !holder_->abilities().keeps_weights;
  if (is_dear && context_ == settings && is_sound()) return *made_;
  context_.reset();
  auto made = holder_->context(settings);
  if (!made) return made;
  context_ = settings;
  made_ = *made;
  return made;
}

bool HeldModel::release() {
  if (!stands()) return true;
  const bool ended = holder_->end();
  stuck_ = stuck_ || !ended;
  holder_.reset();
  return ended;
}

}  // namespace sweetspot::profiler
