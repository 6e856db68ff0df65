// What a GGUF file says of itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/model_info.hpp"
#include "gguf/header.hpp"

namespace sweetspot::gguf {

/// Reads the headers of `path` and of its splits. An architecture that llama.cpp does not know is
/// no problem here: its loader says so.
Read<ModelInfo> inspect_model(const std::string& path, Extents extents = Extents::must_be_whole);

/// "blk.17.attn_q.weight" -> 17.
std::optional<int> block_of(std::string_view tensor);

/// Whether only blocks with attention have this tensor.
bool is_attention(std::string_view tensor);

}  // namespace sweetspot::gguf
