// What is done to a copy of a GGUF header before it is written again.
#pragma once

#include <ggml.h>
#include <gguf.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "worker/gguf_file.hpp"

namespace sweetspot::worker {

struct GgmlDeleter {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
using GgmlHandle = std::unique_ptr<ggml_context, GgmlDeleter>;

/// A context for `count` tensors without data.
GgmlHandle shapes_only(std::size_t count);

void remove_keys(gguf_context* header, std::string_view prefix);

/// Puts the size of the vocabulary where the vocabulary was: `<architecture>.vocab_size`.
void cut_vocabulary(gguf_context* header, const GgufFile& source);

}  // namespace sweetspot::worker
