// The stream of tokens that everything is measured with.
#pragma once

#include <llama.h>

#include <cstdint>

namespace sweetspot::worker {

/// The token at a position of a sequence: a function of the two and of the vocabulary only, no
/// control token where the vocabulary tells.
llama_token fixed_token(const llama_vocab* vocab, std::uint64_t position, llama_seq_id sequence);

}  // namespace sweetspot::worker
