#include "worker/gguf_edit.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sweetspot::worker {

GgmlHandle shapes_only(std::size_t count) {
  return GgmlHandle(ggml_init({ggml_tensor_overhead() * (count + 1), nullptr, /*no_alloc=*/true}));
}

void remove_keys(gguf_context* header, std::string_view prefix) {
  std::vector<std::string> keys;
  for (std::int64_t i = 0; i < gguf_get_n_kv(header); ++i) {
    const std::string_view key = gguf_get_key(header, i);
    if (key.starts_with(prefix)) keys.emplace_back(key);
  }
  for (const std::string& key : keys) gguf_remove_key(header, key.c_str());
}

void cut_vocabulary(gguf_context* header, const GgufFile& source) {
  const auto tokens = source.array_size("tokenizer.ggml.tokens");
  const std::string key = source.text("general.architecture").value_or("") + ".vocab_size";
  remove_keys(header, "tokenizer.");
  gguf_set_val_str(header, "tokenizer.ggml.model", "none");
  if (tokens) gguf_set_val_u32(header, key.c_str(), static_cast<std::uint32_t>(*tokens));
}

}  // namespace sweetspot::worker
