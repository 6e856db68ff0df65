// What a server does with a model, and who it is to the reports. Pure.
#pragma once

#include <cstdint>

#include "launch/command.hpp"

namespace sweetspot::launch {

enum class Task {
  completion,  ///< it generates
  embedding,   ///< inputs become vectors
  reranking,   ///< inputs become scores
};

/// By what the user says (flags, then LLAMA_ARG_*), then by the profile, whose model may be one
/// that only reads.
Task task_of(const Program& program, const SavedProfile& profile);

/// Tokens that the server computes in one piece: the user's --ubatch-size, else the profile's. With
/// embeddings llama-server takes the smaller of it and the logical batch.
std::uint32_t piece_of(const Program& program, const SavedProfile& profile);

/// The program and those of its arguments and variables that may change memory or what it does, in
/// one spelling and order. Addresses, names, logs, prompts and keys are left out; of an argument
/// whose name says that it is a secret only the name stays.
Loader loader_of(const Program& program);

}  // namespace sweetspot::launch
