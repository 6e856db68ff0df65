// Which tokens a model is given: the same in every run, and none that a vocabulary has for control.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/header.hpp"

namespace sweetspot::adapter {

class Tokens {
 public:
  Tokens() = default;
  /// Of a vocabulary: its size, and which tokens are for control.
  Tokens(std::uint64_t vocabulary, const gguf::Array* types);

  [[nodiscard]] std::uint64_t vocabulary() const { return vocabulary_; }

  /// Token `position` of a sequence. What is beyond the first `shared` positions differs with
  /// `variant`.
  [[nodiscard]] std::int32_t at(std::uint64_t sequence, std::uint64_t position,
                                std::uint64_t variant = 0) const;

  /// `count` from position 0 on; those from `shared` on are of the variant.
  [[nodiscard]] std::vector<std::int32_t> prompt(std::uint64_t sequence, std::uint32_t count,
                                                 std::uint32_t shared = 0xffffffff,
                                                 std::uint64_t variant = 0) const;

 private:
  [[nodiscard]] bool is_control(std::uint64_t token) const;

  std::uint64_t vocabulary_ = 0;
  std::vector<std::int64_t> types_;
};

}  // namespace sweetspot::adapter
