#include "adapter/tokens.hpp"

namespace sweetspot::adapter {
namespace {

/// llama.h, enum llama_token_type.
constexpr std::int64_t kControl = 3;
constexpr std::uint64_t kAttempts = 8;

/// splitmix64's finaliser: well mixed, and the same everywhere.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

}  // namespace

Tokens::Tokens(std::uint64_t vocabulary, const gguf::Array* types) : vocabulary_(vocabulary) {
  if (types != nullptr) types_ = types->integers;
}

bool Tokens::is_control(std::uint64_t token) const {
  return token < types_.size() && types_[token] == kControl;
}

std::int32_t Tokens::at(std::uint64_t sequence, std::uint64_t position,
                        std::uint64_t variant) const {
  if (vocabulary_ == 0) return 0;
  const std::uint64_t place = mix(mix(sequence) + mix(position) * 3 + variant) * kAttempts;
  std::uint64_t token = 0;
  for (std::uint64_t i = 0; i < kAttempts; ++i) {
    token = mix(place + i) % vocabulary_;
    if (!is_control(token)) break;
  }
  return static_cast<std::int32_t>(token);
}

std::vector<std::int32_t> Tokens::prompt(std::uint64_t sequence, std::uint32_t count,
                                         std::uint32_t shared, std::uint64_t variant) const {
  std::vector<std::int32_t> tokens;
  tokens.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    tokens.push_back(at(sequence, i, i < shared ? 0 : variant + 1));
  }
  return tokens;
}

}  // namespace sweetspot::adapter
