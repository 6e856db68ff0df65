// A GGUF header read through ggml, with the checks that ggml leaves out.
//
// ggml's getters abort on a key of another type; the getters here look first. ggml does not compare
// tensor extents with the size of the file; open() does (R25).
#pragma once

#include <gguf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model_info.hpp"
#include "worker/answer.hpp"

namespace sweetspot::worker {

struct GgufDeleter {
  void operator()(gguf_context* context) const { gguf_free(context); }
};
using GgufHandle = std::unique_ptr<gguf_context, GgufDeleter>;

/// Size, time and inode of a regular file that can be read. Sentences for everything else.
Answer<FileStamp> stamp_file(const std::string& path, Phase phase);

/// Whether a file may end before its last tensor does.
enum class Extents { must_be_whole, may_be_missing };

/// Reads the header of a file, or says what ggml printed about it (nothing where it did not).
/// header_reader.hpp has the one that listens to ggml.
using HeaderReader = tl::expected<GgufHandle, std::string> (*)(const std::string& path);

class GgufFile {
 public:
  /// Opens one file; the weights are not read. A file whose weights must be whole and are not is
  /// header_invalid.
  static Answer<GgufFile> open(const std::string& path, Phase phase, HeaderReader read_header,
                               Extents extents = Extents::must_be_whole);

  [[nodiscard]] const gguf_context* get() const { return context_.get(); }
  [[nodiscard]] const FileStamp& stamp() const { return stamp_; }

  /// An integer of any width, or a bool. Nothing where the key is missing, of another type or
  /// negative.
  [[nodiscard]] std::optional<std::uint64_t> integer(const std::string& key) const;
  [[nodiscard]] std::optional<std::string> text(const std::string& key) const;
  [[nodiscard]] bool has(const std::string& key) const;
  [[nodiscard]] bool is_array(const std::string& key) const;
  /// Elements of an array; nothing where it is none.
  [[nodiscard]] std::optional<std::size_t> array_size(const std::string& key) const;

  [[nodiscard]] std::int64_t n_tensors() const { return gguf_get_n_tensors(context_.get()); }
  [[nodiscard]] std::string_view tensor_name(std::int64_t index) const;
  [[nodiscard]] std::uint64_t tensor_bytes(std::int64_t index) const;
  [[nodiscard]] std::uint64_t tensor_elements(std::int64_t index) const;

  /// Continues `hash` (FNV-1a, 64 bits) with the header's bytes and the file's size.
  [[nodiscard]] std::uint64_t hash(std::uint64_t hash) const;

 private:
  GgufFile(GgufHandle context, FileStamp stamp)
      : context_(std::move(context)), stamp_(std::move(stamp)) {}

  [[nodiscard]] std::string extent_problem() const;

  GgufHandle context_;
  FileStamp stamp_;
};

/// "blk.17.attn_q.weight" -> 17.
std::optional<int> block_of(std::string_view tensor);

/// Whether only blocks with attention have this tensor.
bool is_attention(std::string_view tensor);

/// `path` and, where it is the first of a split model, the other files in order, each one checked.
Answer<std::vector<GgufFile>> open_model_files(const std::string& path, Phase phase,
                                               HeaderReader read_header,
                                               Extents extents = Extents::must_be_whole);

}  // namespace sweetspot::worker
