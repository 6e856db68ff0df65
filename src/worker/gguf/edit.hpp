// What is done to a copy of a GGUF header before it is written again.
#pragma once

#include <ggml.h>
#include <gguf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "worker/gguf/file.hpp"

namespace sweetspot::worker {

struct GgmlDeleter {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
using GgmlHandle = std::unique_ptr<ggml_context, GgmlDeleter>;

/// A context for `count` tensors without data.
GgmlHandle shapes_only(std::size_t count);

void remove_keys(gguf_context* header, std::string_view prefix);

/// Makes `copy`, which has the keys of `source`, say that its blocks are `count` of `source`'s from
/// `first` on: block_count, arrays with an entry per block, and counts of special blocks at either
/// end.
void cut_blocks(gguf_context* copy, const GgufFile& source, std::uint32_t first,
                std::uint32_t count);

/// Puts the size of the vocabulary where the vocabulary was: `<architecture>.vocab_size`.
void cut_vocabulary(gguf_context* header, const GgufFile& source);

/// A tensor's shape without the ones at its end.
std::vector<std::int64_t> shape_of(const gguf_context* gguf, std::int64_t index);

}  // namespace sweetspot::worker
