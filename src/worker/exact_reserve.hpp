// Makes llama.cpp's pretended reservation of compute buffers reserve what a real one would.
//
// llama.cpp reserves for three graphs: prompt, generation, prompt again. With allocation switched
// off it sizes the first one only, and ggml_backend_sched_reserve_size() begins with a reset that
// forgets where llama.cpp pinned its norms. Both make the answer differ from what a real load
// allocates (docs/decisions/exact-compute-buffers.md has measurements). libllama calls ggml's
// scheduler through the dynamic linker, so this program can stand between them: while an
// ExactReserve lives, that reset is left out and the other two graphs are sized too.
#pragma once

namespace sweetspot::worker {

/// One at a time, around the making of one context without allocation. Where the libraries do not
/// call each other through the dynamic linker it changes nothing.
class ExactReserve {
 public:
  ExactReserve();
  ~ExactReserve();
  ExactReserve(const ExactReserve&) = delete;
  ExactReserve& operator=(const ExactReserve&) = delete;
};

}  // namespace sweetspot::worker
