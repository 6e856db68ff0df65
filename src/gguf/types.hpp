// ggml's types and file types by the numbers that files have for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sweetspot::gguf {

/// How a type lies in a file: `block_elements` numbers take `block_bytes`.
struct TensorType {
  std::uint32_t number = 0;
  std::string_view name;  ///< ggml's
  std::uint64_t block_elements = 1;
  std::uint64_t block_bytes = 1;
};

/// Nothing for a type that this program does not know: a newer one, or one of a fork.
std::optional<TensorType> tensor_type(std::uint32_t number);

/// llama.cpp's name of a file type (general.file_type), "Q4_K - Medium". Nothing where unknown.
std::optional<std::string_view> file_type_name(std::uint64_t number);

}  // namespace sweetspot::gguf
