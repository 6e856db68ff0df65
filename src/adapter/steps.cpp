#include "adapter/steps.hpp"

#include <algorithm>

namespace sweetspot::adapter {
namespace {

/// The resolution of the server's clock: a step is never nothing.
constexpr double kLeastMs = 1e-3;

}  // namespace

std::optional<Step> Steps::add(std::size_t stream, const CompletionEvent& event,
                               double arrived_ms) {
  if (event.last || over_) {
    over_ = true;
    return std::nullopt;
  }
  Stream& own = streams_.at(stream);
  const std::uint32_t tokens = tokens_by_now(event, own.tokens);
  if (tokens <= own.tokens) return std::nullopt;  // the prompt is still computed
  const Stream before = own;
  own = {tokens, event.timings ? event.timings->predicted_ms : arrived_ms};
  if (before.tokens == 0) {
    if (++begun_ == streams_.size()) last_to_begin_ = stream;
    return std::nullopt;
  }
  if (begun_ < streams_.size() || stream != last_to_begin_) return std::nullopt;
  by_arrival_ = by_arrival_ || !event.timings;
  const auto sequences = static_cast<std::uint32_t>(streams_.size());
  return Step{std::max(own.at_ms - before.at_ms, kLeastMs), (tokens - before.tokens) * sequences};
}

}  // namespace sweetspot::adapter
