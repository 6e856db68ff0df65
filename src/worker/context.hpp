// A context for the loaded model, and what llama.cpp made of the settings.
#pragma once

#include "core/config.hpp"
#include "worker/answer.hpp"
#include "worker/llama_adapter.hpp"

namespace sweetspot::worker {

struct MadeContext {
  ContextHandle context;
  protocol::ContextResult result;  ///< n_gpu_layers is left to the caller
};

/// Most tokens of a batch that may have logits, as llama.cpp's n_outputs_max has it: 0 = all.
std::uint32_t outputs_max(const ContextSettings& settings);

/// The settings as llama.cpp takes them. Faults: a cache type this llama.cpp does not know, and
/// more sequences than n_batch has tokens, for which it aborts.
Answer<llama_context_params> context_params(const ContextSettings& settings);

/// Every number of the result is read back from llama.cpp. `threads` lends its pools to the context
/// and must outlive it.
Answer<MadeContext> make_context(llama_model& model, const ContextSettings& settings,
                                 ThreadPools& threads);

}  // namespace sweetspot::worker
