#include "worker/synth/tokenizer.hpp"

#include <fmt/format.h>

#include <utility>

namespace sweetspot::worker {
namespace {

constexpr std::int32_t kNormal = 1;
constexpr std::int32_t kUnknown = 2;
constexpr std::int32_t kControl = 3;
constexpr std::int32_t kByte = 6;

/// U+2581, which SentencePiece writes for a space.
constexpr const char* kSpace = "\xe2\x96\x81";

/// 0 -> "a", 25 -> "z", 26 -> "aa", ...: all words over a-z, by length.
std::string word(std::uint32_t index) {
  std::string out;
  for (std::uint32_t rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    out.insert(out.begin(), static_cast<char>('a' + static_cast<char>((rest - 1) % 26)));
  }
  return out;
}

/// Every word with and without a space before it; the space alone comes first.
std::string piece(std::uint32_t index) {
  if (index == 0) return kSpace;
  const std::uint32_t number = index - 1;
  return (number % 2 == 1 ? kSpace : "") + word(number / 2);
}

}  // namespace

SyntheticTokenizer make_tokenizer(std::uint32_t vocab) {
  SyntheticTokenizer out;
  const auto add = [&](std::string token, float score, std::int32_t type) {
    out.tokens.push_back(std::move(token));
    out.scores.push_back(score);
    out.types.push_back(type);
  };
  add("<unk>", 0, kUnknown);
  add("<s>", 0, kControl);
  add("</s>", 0, kControl);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 0, kByte);
  for (std::uint32_t i = 0; out.tokens.size() < vocab; ++i) {
    // Shorter pieces first, as a trained vocabulary would rank them.
    add(piece(i), -static_cast<float>(i), kNormal);
  }
  out.chat_template =
      "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}"
      "{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";
  return out;
}

}  // namespace sweetspot::worker
