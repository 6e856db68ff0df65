#include "worker/gguf/edit.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sweetspot::worker {
namespace {

/// Bytes of one entry of an array; 0 for text and arrays, whose entries do not lie side by side.
std::size_t entry_bytes(gguf_type type) {
  switch (type) {
    case GGUF_TYPE_UINT8:
    case GGUF_TYPE_INT8:
    case GGUF_TYPE_BOOL:
      return 1;
    case GGUF_TYPE_UINT16:
    case GGUF_TYPE_INT16:
      return 2;
    case GGUF_TYPE_UINT32:
    case GGUF_TYPE_INT32:
    case GGUF_TYPE_FLOAT32:
      return 4;
    case GGUF_TYPE_UINT64:
    case GGUF_TYPE_INT64:
    case GGUF_TYPE_FLOAT64:
      return 8;
    default:
      return 0;
  }
}

/// Keys that count blocks of another kind from the first, and from the last one on.
constexpr std::array<std::string_view, 1> kCountFromFirst = {"leading_dense_block_count"};
constexpr std::array<std::string_view, 2> kCountFromLast = {"nextn_predict_layers",
                                                            "attention.shared_kv_layers"};

/// How many of the blocks [first, first + count) are among [from, to).
std::uint32_t overlap(std::uint64_t first, std::uint64_t count, std::uint64_t from,
                      std::uint64_t to) {
  const std::uint64_t begin = std::max(first, from);
  const std::uint64_t end = std::min(first + count, to);
  return static_cast<std::uint32_t>(end > begin ? end - begin : 0);
}

}  // namespace

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

void cut_blocks(gguf_context* copy, const GgufFile& source, std::uint32_t first,
                std::uint32_t count) {
  const gguf_context* from = source.get();
  const std::string prefix = source.header().text("general.architecture").value_or("") + ".";
  const std::uint64_t all = source.header().integer(prefix + "block_count").value_or(0);
  gguf_set_val_u32(copy, (prefix + "block_count").c_str(), count);
  const auto set_count = [&](std::string_view name, auto counted) {
    const std::string key = prefix + std::string(name);
    const auto special = source.header().integer(key);
    if (special) gguf_set_val_u32(copy, key.c_str(), counted(std::min(*special, all)));
  };
  for (const std::string_view name : kCountFromFirst) {
    set_count(name, [&](std::uint64_t n) { return overlap(first, count, 0, n); });
  }
  for (const std::string_view name : kCountFromLast) {
    set_count(name, [&](std::uint64_t n) { return overlap(first, count, all - n, all); });
  }
  for (std::int64_t i = 0; i < gguf_get_n_kv(from); ++i) {
    const std::string_view key = gguf_get_key(from, i);
    // dimension_sections has always four entries, in a model of four blocks as well.
    const bool can_be_per_block = gguf_get_kv_type(from, i) == GGUF_TYPE_ARRAY &&
                                  key.starts_with(prefix) &&
                                  !key.ends_with(".rope.dimension_sections");
    if (!can_be_per_block || gguf_get_arr_n(from, i) != all) continue;
    const gguf_type type = gguf_get_arr_type(from, i);
    const std::size_t bytes = entry_bytes(type);
    if (bytes == 0) continue;
    const auto* entries = static_cast<const std::uint8_t*>(gguf_get_arr_data(from, i));
    gguf_set_arr_data(copy, gguf_get_key(from, i), type, entries + first * bytes, count);
  }
}

void cut_vocabulary(gguf_context* header, const GgufFile& source) {
  const gguf::Array* const tokens = source.header().array("tokenizer.ggml.tokens");
  const std::string key = source.header().text("general.architecture").value_or("") + ".vocab_size";
  // Of the tokenizer's keys the one that says the size of a tensor (BERT's kinds of sentences).
  constexpr const char* kTokenTypes = "tokenizer.ggml.token_type_count";
  const auto token_types = source.header().integer(kTokenTypes);
  remove_keys(header, "tokenizer.");
  if (token_types) {
    gguf_set_val_u32(header, kTokenTypes, static_cast<std::uint32_t>(*token_types));
  }
  gguf_set_val_str(header, "tokenizer.ggml.model", "none");
  if (tokens != nullptr) {
    gguf_set_val_u32(header, key.c_str(), static_cast<std::uint32_t>(tokens->count));
  }
}

std::vector<std::int64_t> shape_of(const gguf_context* gguf, std::int64_t index) {
  const std::int64_t* ne = gguf_get_tensor_ne(gguf, index);
  std::vector<std::int64_t> shape(ne, ne + GGML_MAX_DIMS);
  while (shape.size() > 1 && shape.back() == 1) shape.pop_back();
  return shape;
}

}  // namespace sweetspot::worker
