// A small valid SentencePiece tokenizer for synthetic models. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sweetspot::worker {

/// What the GGUF keys tokenizer.ggml.* hold; the vectors are equally long.
struct SyntheticTokenizer {
  std::vector<std::string> tokens;  ///< <unk>, <s>, </s>, 256 bytes, then distinct words
  std::vector<float> scores;
  std::vector<std::int32_t> types;  ///< llama.cpp's enum llama_token_type
  std::uint32_t unknown_id = 0;
  std::uint32_t bos_id = 1;
  std::uint32_t eos_id = 2;
  std::string chat_template;
};

/// Exactly `vocab` tokens; `vocab` must be at least 259. Any text can be encoded: what no word
/// covers falls back to bytes.
SyntheticTokenizer make_tokenizer(std::uint32_t vocab);

}  // namespace sweetspot::worker
