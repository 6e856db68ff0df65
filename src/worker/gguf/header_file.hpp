// A file that llama.cpp takes for the whole model: a header, and a hole where the weights would be.
//
// llama_model_init_from_user also makes a model from metadata, but not the same one: it knows no
// list of tensors, so it makes every optional one that the architecture could have (biases, scales,
// a second copy of tied output weights), and it never repacks. The loader that will load the real
// file gives the real answer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "worker/answer.hpp"
#include "worker/gguf/file.hpp"
#include "worker/gguf/memory_file.hpp"

namespace sweetspot::worker {

enum class Vocabulary {
  kept,
  left_out,  ///< only its size is kept: reading it is most of the time that a header takes
};

/// Takes no space: the file lives in memory and its weights are a hole. Move only.
class HeaderFile {
 public:
  /// One file with the tensors of all `files` (a split model's, in order).
  static Answer<HeaderFile> make(const std::vector<GgufFile>& files, Vocabulary vocabulary,
                                 Phase phase);

  [[nodiscard]] const std::string& path() const { return file_.path(); }

 private:
  explicit HeaderFile(MemoryFile file) : file_(std::move(file)) {}

  MemoryFile file_;
};

}  // namespace sweetspot::worker
