#include "tune/titles.hpp"

#include <fmt/format.h>

#include "core/no_device.hpp"

namespace sweetspot::tune {

std::string placement_title(const Placement& placement) {
  std::string title = uses_no_device(placement)
                          ? std::string(kCpuAloneTitle)
                          : fmt::format("{} layer{}", placement.n_gpu_layers,
                                        placement.n_gpu_layers == 1 ? "" : "s");
  if (placement.n_cpu_moe > 0) title += fmt::format(", {} experts on the CPU", placement.n_cpu_moe);
  if (placement.n_cpu_ffn > 0) {
    title += fmt::format(", {} feed-forwards on the CPU", placement.n_cpu_ffn);
  }
  if (placement.load_mode == LoadMode::none) title += ", not mapped";
  return title;
}

std::string context_title(const ContextSettings& context, const ContextSettings& base) {
  std::string title;
  if (context.n_ubatch != base.n_ubatch) title += fmt::format(", n_ubatch {}", context.n_ubatch);
  if (context.kv_offload != base.kv_offload) title += ", cache in host memory";
  if (context.flash_attn != base.flash_attn) {
    title += fmt::format(", flash attention {}", to_string(context.flash_attn));
  }
  if (context.type_k != base.type_k) title += fmt::format(", {} cache", context.type_k);
  return title;
}

}  // namespace sweetspot::tune
