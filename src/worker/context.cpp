#include "worker/context.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "kernel/processors.hpp"
#include "worker/answer.hpp"
#include "worker/gguf/types.hpp"

namespace sweetspot::worker {
namespace {

Answer<ggml_type> cache_type(const std::string& name, const char* which) {
  if (const auto type = type_by_name(name)) return *type;
  return fault(FaultCode::bad_request, Phase::context,
               fmt::format("{} is not a type that the {} cache can have", name, which));
}

/// What llama.cpp loads and runs, but not one token after the other from one cache, nor one input
/// after the other.
std::optional<protocol::Fault> unmeasurable(const llama_model& model, bool embeddings) {
  const auto refuse = [](const char* why) {
    return protocol::Fault{FaultCode::not_measurable, Phase::context, why, {}};
  };
  if (llama_model_has_encoder(&model) && llama_model_has_decoder(&model)) {
    return refuse("it reads with an encoder and writes with a decoder");
  }
  if (llama_model_is_diffusion(&model)) return refuse("it writes whole texts by diffusion");
  if (!llama_model_has_decoder(&model) && !embeddings) {
    return refuse("it only reads: it is measured with --embedding");
  }
  return std::nullopt;
}

// llama.h has a function of the type's name.
enum llama_pooling_type pooling_of(Pooling pooling) {
  switch (pooling) {
    case Pooling::none:
      return LLAMA_POOLING_TYPE_NONE;
    case Pooling::mean:
      return LLAMA_POOLING_TYPE_MEAN;
    case Pooling::cls:
      return LLAMA_POOLING_TYPE_CLS;
    case Pooling::last:
      return LLAMA_POOLING_TYPE_LAST;
    case Pooling::rank:
      return LLAMA_POOLING_TYPE_RANK;
    case Pooling::of_model:
      break;
  }
  return LLAMA_POOLING_TYPE_UNSPECIFIED;
}

EffectiveConfig read_back(llama_context* context, library_log::Mark mark) {
  EffectiveConfig effective;
  effective.n_ctx = llama_n_ctx(context);
  effective.n_batch = llama_n_batch(context);
  effective.n_ubatch = llama_n_ubatch(context);
  effective.n_threads = llama_n_threads(context);
  effective.n_threads_batch = llama_n_threads_batch(context);
  effective.flash_attn = read_flash_attention(mark);
  CacheTypes types = read_cache_types(mark);
  effective.type_k = std::move(types.k);
  effective.type_v = std::move(types.v);
  return effective;
}

}  // namespace

// llama-server's tools/server/server-context.cpp, server_output_limits(): one for each slot, and
// all of a batch where it embeds or is told to pool.
std::uint32_t outputs_max(const ContextSettings& settings) {
  constexpr std::uint32_t kWholeBatch = 0;
  const bool pools = settings.pooling != Pooling::of_model && settings.pooling != Pooling::none;
  const bool few =
      settings.host_program == HostProgram::llama_server && !settings.embeddings && !pools;
  return few ? settings.n_parallel : kWholeBatch;
}

Answer<llama_context_params> context_params(const ContextSettings& settings) {
  const auto type_k = cache_type(settings.type_k, "K");
  if (!type_k) return tl::unexpected(type_k.error());
  const auto type_v = cache_type(settings.type_v, "V");
  if (!type_v) return tl::unexpected(type_v.error());

  llama_context_params params = llama_context_default_params();
  params.n_ctx = settings.n_ctx;
  if (settings.n_batch > 0) params.n_batch = settings.n_batch;
  if (settings.n_ubatch > 0) params.n_ubatch = settings.n_ubatch;
  params.n_seq_max = settings.n_parallel;
  if (params.n_seq_max > params.n_batch) {
    return fault(FaultCode::config_rejected, Phase::context,
                 fmt::format("{} sequences are more than the {} tokens of a batch",
                             params.n_seq_max, params.n_batch));
  }
  params.n_outputs_max = outputs_max(settings);
  params.kv_unified = settings.kv_unified;
  params.offload_kqv = settings.kv_offload;
  params.swa_full = settings.swa_full;
  params.n_threads =
      settings.n_threads > 0 ? settings.n_threads : kernel::usable_processors().threads();
  params.n_threads_batch =
      settings.n_threads_batch > 0 ? settings.n_threads_batch : params.n_threads;
  params.flash_attn_type = flash_attn_of(settings.flash_attn);
  params.type_k = *type_k;
  params.type_v = *type_v;
  params.embeddings = settings.embeddings;
  params.pooling_type = pooling_of(settings.pooling);
  params.no_perf = true;
  return params;
}

Answer<MadeContext> make_context(llama_model& model, const ContextSettings& settings,
                                 ThreadPools& threads) {
  if (auto problem = unmeasurable(model, settings.embeddings))
    return tl::unexpected(*std::move(problem));
  const auto params = context_params(settings);
  if (!params) return tl::unexpected(params.error());

  const auto mark = library_log::mark();
  const double start = now_ms();
  MadeContext made;
  made.context.reset(llama_init_from_model(&model, *params));
  if (!made.context) {
    const std::string reason = library_log::last_problem(mark);
    return fault(FaultCode::context_null, Phase::context,
                 fmt::format("llama.cpp made no context: {}",
                             reason.empty() ? "it gave no reason" : reason));
  }
  made.result.seconds = (now_ms() - start) / 1000;
  if (llama_get_memory(made.context.get()) == nullptr && !settings.embeddings) {
    return fault(FaultCode::not_measurable, Phase::context,
                 "it only reads: it is measured with --embedding");
  }
  threads.attach(made.context.get(), params->n_threads, params->n_threads_batch);
  made.result.effective = read_back(made.context.get(), mark);
  Breakdown breakdown = read_memory(made.context.get());
  made.result.memory = std::move(breakdown.memory);
  made.result.memory_note = std::move(breakdown.note);
  return made;
}

}  // namespace sweetspot::worker
