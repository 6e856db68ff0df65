// What a tune knows of device memory: what llama.cpp was asked, what follows from its answers, and
// what the trials showed beyond them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "core/config.hpp"
#include "core/trial.hpp"
#include "tune/space.hpp"

namespace sweetspot::tune {

/// Not thread safe.
class Memory {
 public:
  /// `options` as the tuner is given them. `offloadable` layers, of which the last is the output.
  /// `derives` false: several devices share the layers, so that nothing follows from other answers.
  Memory(std::vector<Option> options, int offloadable, double max_percent, bool derives);

  [[nodiscard]] const std::vector<Option>& options() const { return options_; }

  /// What is known of a config's memory; threads and the batch's size change none worth knowing.
  /// Fewer layers with some feed-forwards (or experts) on the CPU were not asked about: weights add
  /// up, so what they take follows from three answers. Nothing where nobody can tell.
  [[nodiscard]] std::optional<Option> of(const Config& config) const;

  /// Whether it keeps to the limit, as far as is known. What nobody asked about may be tried: the
  /// trial itself will tell. Nothing may that takes as much as what ran out of memory.
  [[nodiscard]] bool may_be_tried(const Config& config) const;

  /// Of `layers` the placement with the fewest feed-forwards (or experts) on the CPU that may be
  /// tried with `context`, where that is neither none nor all of them.
  [[nodiscard]] std::optional<Placement> mixed(int layers, const ContextSettings& context) const;

  /// What devices take beyond llama.cpp's buffers shows in each trial.
  void learn(const Trial& trial);

 private:
  using Key = std::tuple<bool, int, int, std::uint32_t, bool, FlashAttention>;

  [[nodiscard]] const Option* asked(const Config& config) const;
  [[nodiscard]] std::optional<Option> derived(const Config& config) const;
  [[nodiscard]] double beyond(const ContextSettings& context) const;

  struct Beyond {
    ContextSettings context;
    double percent = 0;
  };

  std::vector<Option> options_;
  std::map<Key, std::size_t> by_key_;
  int offloadable_ = 0;
  double max_percent_ = 0;
  bool derives_ = true;
  bool experts_ = false;
  std::vector<Beyond> seen_;
  std::uint64_t too_many_bytes_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace sweetspot::tune
