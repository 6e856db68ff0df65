// Times of single steps, out of the streams of all sequences that generate side by side. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "adapter/completion.hpp"

namespace sweetspot::adapter {

/// One token of every sequence, or several where no event came between.
struct Step {
  double duration_ms = 0;
  std::uint32_t tokens = 0;  ///< of all sequences
};

/// A step counts only while every sequence generates: from the first token of the sequence that
/// came last, when no prompt is computed beside it any more, to the end of the one that ends first.
/// Its time is the difference of two of that last sequence's cumulative times. A token whose text
/// is a part of a character comes without an event: then the next event ends several steps, which
/// count together. Where a server tells
/// no time with its tokens it is the difference of two arrivals.
class Steps {
 public:
  explicit Steps(std::size_t streams) : streams_(streams) {}

  /// `arrived_ms`: when the event came, by any clock that only goes on.
  std::optional<Step> add(std::size_t stream, const CompletionEvent& event, double arrived_ms);

  /// A sequence has ended: there are no more steps.
  [[nodiscard]] bool over() const { return over_; }

  /// Some time was that of an arrival.
  [[nodiscard]] bool by_arrival() const { return by_arrival_; }

 private:
  struct Stream {
    std::uint32_t tokens = 0;
    double at_ms = 0;
  };

  std::vector<Stream> streams_;
  std::size_t begun_ = 0;
  std::size_t last_to_begin_ = 0;
  bool over_ = false;
  bool by_arrival_ = false;
};

}  // namespace sweetspot::adapter
