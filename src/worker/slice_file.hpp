// A model of a few consecutive blocks of another one, as a file in memory.
//
// Its blocks are the original's own bytes under new numbers, so a block of it takes the time that
// it takes in the whole model. Nothing is left a hole: pages of zeros all lie in cache, and timing
// them would time nothing.
#pragma once

#include <vector>

#include "worker/answer.hpp"
#include "worker/gguf/file.hpp"
#include "worker/gguf/memory_file.hpp"

namespace sweetspot::worker {

struct SliceFile {
  MemoryFile file;
  protocol::SliceBytes bytes;
};

/// The slice of the model in `files` (a split one's, in order); only the bytes it needs are read.
/// Tensors that the files do not hold whole are filled at random. Faults: bad_request for blocks or
/// rows that the model does not have, cannot_open, cannot_write.
Answer<SliceFile> make_slice(const std::vector<GgufFile>& files, const protocol::Slice& slice,
                             Reply& reply);

}  // namespace sweetspot::worker
