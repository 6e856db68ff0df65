// What measuring and planning check before they begin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/model_info.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::profiler {

/// Errors (device) where one of `wanted` is not here or takes no layers.
Status check_devices(const std::vector<std::string>& wanted, const std::vector<Device>& devices);

/// What only the model can say: a context of 0 is as long as it was trained for, one that nobody
/// asked for not longer; of more blocks than it has, all are meant. Error (usage): it does not say
/// what it was trained for.
Status settle(Config& config, const ModelInfo& model, bool n_ctx_is_default);

/// Error (model) where llama.cpp runs such a model in a way that nobody here times.
Status check_kind(const ModelInfo& model);

/// A model that only reads gets the settings of one that turns inputs into vectors or scores, and
/// any context that does so batches as long as its longest input, which is computed in one piece:
/// what a model was trained for where nobody asked for a context. Batch sizes that somebody asked
/// for stay.
void settle_embeddings(ContextSettings& context, const ModelInfo& model, bool n_ctx_is_default);

/// Error (usage) where it is such a context and the worker drives a llama-server, which is asked
/// for tokens alone.
Status check_reads(const ContextSettings& context, const protocol::Abilities& abilities);

/// What is measured of such a context: inputs, no generation; nothing changes for others.
Workload settled_workload(Workload workload, const ContextSettings& context);

/// Error (usage, naming the flag it came from) where the context of a sequence is longer than the
/// model was trained for and that was not allowed.
Status check_trained_context(const ContextSettings& context, const ModelInfo& model, bool allowed,
                             std::string_view flag = "--ctx-size");

/// Error (usage) where a batch has no room for a token of every sequence: llama.cpp makes no such
/// context.
Status check_sequences(const ContextSettings& context);

/// The error (usage) of a context that is too short for the workload of all its sequences.
Error context_too_short(std::uint64_t needed_tokens, const ContextSettings& context);

}  // namespace sweetspot::profiler
