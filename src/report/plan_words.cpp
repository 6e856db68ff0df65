#include "report/plan_words.hpp"

#include <fmt/format.h>

namespace sweetspot::report {

using plan::Change;
using plan::ChangeKind;

std::string gib(std::uint64_t bytes) {
  return fmt::format("{:.2f}", static_cast<double>(bytes) / (1024.0 * 1024.0 * 1024.0));
}

std::string types_text(const plan::CacheTypes& types) {
  return types.k == types.v ? types.k : fmt::format("K {}, V {}", types.k, types.v);
}

std::string what_changes(const Change& change) {
  const Config& c = change.config;
  switch (change.kind) {
    case ChangeKind::smaller_ubatch:
      return fmt::format("-ub {}", c.context.n_ubatch);
    case ChangeKind::quantized_cache:
      return fmt::format("-ctk {} -ctv {} -fa on", c.context.type_k, c.context.type_v);
    case ChangeKind::experts_to_cpu:
      return fmt::format("-ncmoe {}", c.placement.n_cpu_moe);
    case ChangeKind::ffn_to_cpu:
      return fmt::format("-ncffn {}", c.placement.n_cpu_ffn);
    case ChangeKind::fewer_layers:
      return fmt::format("-ngl {}", c.placement.n_gpu_layers);
    case ChangeKind::shorter_context:
      return fmt::format("-c {}", c.context.n_ctx);
    case ChangeKind::cache_to_cpu:
      return "-nkvo";
  }
  return {};
}

std::string what_it_costs(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::smaller_ubatch:
      return "speed of prompts";
    case ChangeKind::quantized_cache:
      return "some output quality";
    case ChangeKind::shorter_context:
      return "context";
    case ChangeKind::experts_to_cpu:
      return "speed: experts on the CPU";
    case ChangeKind::ffn_to_cpu:
      return "speed: feed-forward on the CPU";
    case ChangeKind::fewer_layers:
      return "speed: layers on the CPU";
    case ChangeKind::cache_to_cpu:
      return "most speed: the cache in RAM";
  }
  return {};
}

}  // namespace sweetspot::report
