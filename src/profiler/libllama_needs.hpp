// What the profiles of a set take in a program that keeps libllama's defaults.
#pragma once

#include "core/profile_set.hpp"
#include "engine/worker.hpp"

namespace sweetspot::profiler {

/// Asks llama.cpp for both memory maps of every profile that was made for llama-server and adds the
/// difference to its needs. Starts a worker; where that cannot answer, the reason is kept in the
/// profiles. `start` names the RPC servers that the profiles offload to.
void add_libllama_needs(ProfileSet& set, const engine::StartOptions& start,
                        const std::string& model_path);

}  // namespace sweetspot::profiler
