// A model file's header as ggml has it, to edit and to write again. It is read by the room gguf
// first, which refuses what ggml would abort on or let pass.
#pragma once

#include <gguf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "gguf/header.hpp"
#include "worker/answer.hpp"

namespace sweetspot::worker {

struct GgufDeleter {
  void operator()(gguf_context* context) const { gguf_free(context); }
};
using GgufHandle = std::unique_ptr<gguf_context, GgufDeleter>;

/// Reads the header of a file, or says what ggml printed about it (nothing where it did not).
/// header_reader.hpp has the one that listens to ggml.
using HeaderReader = tl::expected<GgufHandle, std::string> (*)(const std::string& path);

class GgufFile {
 public:
  /// The same header a second time, through ggml.
  static Answer<GgufFile> open(gguf::Header header, Phase phase, HeaderReader read_header);

  /// One file, whose weights may be missing.
  static Answer<GgufFile> open(const std::string& path, Phase phase, HeaderReader read_header);

  [[nodiscard]] const gguf_context* get() const { return context_.get(); }
  [[nodiscard]] const gguf::Header& header() const { return header_; }

  [[nodiscard]] std::int64_t n_tensors() const { return gguf_get_n_tensors(context_.get()); }
  [[nodiscard]] std::string_view tensor_name(std::int64_t index) const;
  [[nodiscard]] std::uint64_t tensor_bytes(std::int64_t index) const;

 private:
  GgufFile(gguf::Header header, GgufHandle context)
      : header_(std::move(header)), context_(std::move(context)) {}

  gguf::Header header_;
  GgufHandle context_;
};

/// `path` and, where it is the first of a split model, the other files in order. The weights may be
/// missing.
Answer<std::vector<GgufFile>> open_model_files(const std::string& path, Phase phase,
                                               HeaderReader read_header);

}  // namespace sweetspot::worker
