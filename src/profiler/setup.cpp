#include "profiler/setup.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>

#include "core/no_device.hpp"
#include "core/offload_targets.hpp"

namespace sweetspot::profiler {
namespace {

std::string names_of(const std::vector<Device>& devices) {
  std::vector<std::string> names;
  for (const Device& device : devices) {
    if (device.can_offload()) names.push_back(device.id);
  }
  return names.empty() ? "none that layers can be offloaded to"
                       : fmt::format("{}", fmt::join(names, ", "));
}

// Of all sequences together; 0 where the model does not say.
std::uint64_t longest_trained(const ContextSettings& context, const ModelInfo& model) {
  const auto trained = static_cast<std::uint64_t>(std::max(model.n_ctx_train, 0));
  return trained * context_parts(context);
}

}  // namespace

namespace {

bool holds_id(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// A card named twice would be counted twice, and its memory is there once.
Status check_cards(const std::vector<std::string>& wanted, const std::vector<Device>& devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Device* const before = same_card_before(devices, i);
    if (before == nullptr || !holds_id(wanted, before->id) || !holds_id(wanted, devices[i].id)) {
      continue;
    }
    return error(ErrorKind::usage,
                 fmt::format("--device: {} and {} are one card ({})", before->id, devices[i].id,
                             *before->pci_bus_id),
                 fmt::format("name one of them; {} is what llama.cpp takes by itself", before->id));
  }
  return {};
}

}  // namespace

Status check_devices(const std::vector<std::string>& wanted, const std::vector<Device>& devices) {
  for (const std::string& id : wanted) {
    if (id == kNoDevice && wanted.size() == 1) continue;
    const bool known = std::any_of(devices.begin(), devices.end(), [&](const Device& device) {
      return device.id == id && device.can_offload();
    });
    if (!known) {
      return error(ErrorKind::device, fmt::format("there is no device '{}' to offload to", id),
                   "devices here: " + names_of(devices));
    }
  }
  return check_cards(wanted, devices);
}

Status settle(Config& config, const ModelInfo& model, bool n_ctx_is_default) {
  ContextSettings& context = config.context;
  if (context.n_ctx == 0) {
    if (model.n_ctx_train <= 0) {
      return error(ErrorKind::usage,
                   "--ctx-size 0 asks for the context that the model was trained for, which its "
                   "file does not say",
                   "give a number of tokens");
    }
    context.n_ctx = static_cast<std::uint32_t>(model.n_ctx_train);
  } else if (n_ctx_is_default && model.n_ctx_train > 0) {
    const std::uint64_t most = longest_trained(context, model);
    context.n_ctx = static_cast<std::uint32_t>(std::min<std::uint64_t>(context.n_ctx, most));
  }
  for (int* blocks : {&config.placement.n_cpu_moe, &config.placement.n_cpu_ffn}) {
    *blocks = std::min(*blocks, std::max(model.n_layer, 0));
  }
  return {};
}

Status check_kind(const ModelInfo& model) {
  const auto refuse = [&](const char* what) {
    return error(ErrorKind::model,
                 fmt::format("{} ({}) {}: llama.cpp runs such models, sweetspot does not time them",
                             model.path, model.architecture, what),
                 "sweetspot plan says what it allocates");
  };
  switch (model.kind) {
    case ModelKind::encoder_decoder:
      return refuse("reads with an encoder and writes with a decoder");
    case ModelKind::diffusion:
      return refuse("writes whole texts by diffusion");
    case ModelKind::decoder:
    case ModelKind::encoder:
      break;
  }
  return {};
}

namespace {

// As llama-server decides it (server_slot::can_split): only the last token of a causal model has
// seen the whole input.
bool is_read_in_one_piece(const ContextSettings& context, const ModelInfo& model) {
  const bool last = context.pooling == Pooling::of_model ? model.pooling == std::string("last")
                                                         : context.pooling == Pooling::last;
  return model.kind == ModelKind::encoder || !last;
}

std::uint32_t longest_input(const ContextSettings& context, const ModelInfo& model) {
  const std::uint32_t room = context.n_ctx / context_parts(context);
  if (model.n_ctx_train <= 0) return room;
  return std::min(room, static_cast<std::uint32_t>(model.n_ctx_train));
}

}  // namespace

void settle_embeddings(ContextSettings& context, const ModelInfo& model, bool n_ctx_is_default) {
  const ContextSettings usual;
  if (model.kind == ModelKind::encoder) {
    context.embeddings = true;
    if (context.pooling == Pooling::of_model && model.pooling == std::string("rank")) {
      context.pooling = Pooling::rank;
    }
    const std::uint64_t trained = longest_trained(context, model);
    if (n_ctx_is_default && trained > 0) {
      context.n_ctx = static_cast<std::uint32_t>(std::min<std::uint64_t>(trained, UINT32_MAX));
    }
  }
  if (!context.embeddings || !is_read_in_one_piece(context, model)) return;
  if (context.n_batch != usual.n_batch || context.n_ubatch != usual.n_ubatch) {
    // llama-server takes the smaller of the two for both.
    context.n_batch = context.n_ubatch = std::min(context.n_batch, context.n_ubatch);
    return;
  }
  context.n_batch = context.n_ubatch = longest_input(context, model);
}

Status check_reads(const ContextSettings& context, const protocol::Abilities& abilities) {
  if (!context.embeddings || abilities.keeps_weights) return {};
  return error(ErrorKind::usage,
               "what only reads (embeddings, scores) is measured and planned with sweetspot's own "
               "llama.cpp alone, not with a llama-server",
               "say --engine linked");
}

Workload settled_workload(Workload workload, const ContextSettings& context) {
  if (!context.embeddings) return workload;
  workload.n_gen = 0;
  workload.n_parallel = 1;
  const std::uint32_t room = context.n_ctx / context_parts(context);
  workload.n_prompt = std::min({workload.n_prompt, room, context.n_ubatch});
  return workload;
}

Status check_trained_context(const ContextSettings& context, const ModelInfo& model, bool allowed,
                             std::string_view flag) {
  const std::uint64_t most = longest_trained(context, model);
  if (most == 0 || context.n_ctx <= most || allowed) return {};
  const std::uint32_t parts = context_parts(context);
  const std::string of_all = parts > 1 ? fmt::format("{} times ", parts) : "";
  return error(ErrorKind::usage,
               fmt::format("{} {} is more than {}the {} tokens the model was trained for", flag,
                           context.n_ctx, of_all, model.n_ctx_train),
               fmt::format("give at most {}, or add --allow-untrained-ctx", most));
}

Status check_sequences(const ContextSettings& context) {
  if (context.n_parallel <= context.n_batch) return {};
  return error(ErrorKind::usage,
               fmt::format("--parallel {} is more than the {} tokens of --batch-size",
                           context.n_parallel, context.n_batch),
               "each sequence needs a token of a batch; lower --parallel or raise --batch-size");
}

Error context_too_short(std::uint64_t needed_tokens, const ContextSettings& context) {
  const bool several = context.n_parallel > 1;
  const std::string whose =
      several ? fmt::format("{} sequences of the workload need", context.n_parallel)
              : "the workload needs";
  return {ErrorKind::usage,
          fmt::format("{} {} tokens of context, --ctx-size gives {}", whose, needed_tokens,
                      context.n_ctx),
          fmt::format("raise --ctx-size, or lower {}--n-prompt, --n-gen or --n-depth",
                      several ? "--parallel, " : "")};
}

}  // namespace sweetspot::profiler
