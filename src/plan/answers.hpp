// What people ask of a plan.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/enum_names.hpp"
#include "core/error.hpp"
#include "core/fields.hpp"
#include "core/model_info.hpp"
#include "plan/budget.hpp"
#include "plan/fit.hpp"
#include "plan/grid.hpp"
#include "plan/map_source.hpp"

namespace sweetspot::plan {

/// Index into grid.axes.layers of the largest count that fits in this column, if any.
std::optional<std::size_t> largest_layers(const Grid& grid, std::size_t types, std::size_t context,
                                          const Budgets& budgets);

/// The largest context for the placement of `config` that fits, a multiple of 256 and at most
/// `n_ctx_max`. llama.cpp has confirmed that it fits and that 256 tokens more do not (or that
/// n_ctx_max is reached). Nothing where not even 256 tokens fit. Asks about ten times.
Result<std::optional<std::uint32_t>> largest_context(const Config& config, std::uint32_t n_ctx_max,
                                                     const Budgets& budgets,
                                                     const MapSource& source);

enum class ChangeKind {
  smaller_ubatch,   ///< prompts slow down
  quantized_cache,  ///< K/V in fewer bits: quality is to be checked
  experts_to_cpu,   ///< n_cpu_moe
  ffn_to_cpu,       ///< n_cpu_ffn
  fewer_layers,     ///< n_gpu_layers
  shorter_context,
  cache_to_cpu,  ///< --no-kv-offload: the costliest, every token reads the whole cache from the
                 ///< host
};

constexpr EnumNames<ChangeKind, 7> names_of(ChangeKind /*of*/) {
  return {{
      {ChangeKind::smaller_ubatch, "smaller-ubatch"},
      {ChangeKind::quantized_cache, "quantized-cache"},
      {ChangeKind::experts_to_cpu, "experts-to-cpu"},
      {ChangeKind::ffn_to_cpu, "ffn-to-cpu"},
      {ChangeKind::fewer_layers, "fewer-layers"},
      {ChangeKind::shorter_context, "shorter-context"},
      {ChangeKind::cache_to_cpu, "cache-to-cpu"},
  }};
}

/// One change of the config, just large enough that it fits.
struct Change {
  ChangeKind kind = ChangeKind::fewer_layers;
  Config config;  ///< with the change made
  PlannedMemory planned;
  std::uint64_t freed_bytes = 0;    ///< on the devices, against the config as asked
  std::uint64_t to_host_bytes = 0;  ///< private and mapped host memory it takes more
  /// Weights and cache that the change moves to the host, where the CPU reads them for every token
  /// that is generated, at full context. An MoE block counts with the experts that a token uses.
  std::uint64_t host_bytes_per_token = 0;
};

void fields(auto& f, Is<Change> auto& change) {
  f("kind", change.kind);
  f("config", change.config);
  f("freed_bytes", change.freed_bytes);
  f("to_host_bytes", change.to_host_bytes);
  f("host_bytes_per_token", change.host_bytes_per_token);
}

/// Every kind of change that alone makes `config` fit, cheapest first: by host_bytes_per_token,
/// then in the order of ChangeKind; cache_to_cpu is always last. Empty where the config fits
/// already, where llama.cpp refuses it, or where no single change helps. n_ubatch is halved down to
/// 64, cache types go f16 -> q8_0 -> q4_0 (with flash attention on), counts are the least that fit.
/// Experts are moved of models that have them, feed-forward weights of all others. Asks once, then
/// in a few calls.
Result<std::vector<Change>> changes_that_fit(const Config& config, const ModelInfo& model,
                                             const Budgets& budgets, const MapSource& source);

/// The cards people have, in GB as their boxes say (GiB here).
inline constexpr std::array<int, 9> kVramClasses = {4, 6, 8, 12, 16, 24, 32, 48, 80};

/// What fits on a card of one class that has nothing else on it.
struct ClassFit {
  int class_gib = 0;
  /// Largest layers under 50, 70 and 85 % of the card (the bands of fast, balanced, performance);
  /// -1 where not even 0 layers fit.
  int fast_layers = -1;
  int balanced_layers = -1;
  int performance_layers = -1;
  /// Largest context that fits within the last band with the most layers of the grid; 0 = none.
  std::uint32_t all_layers_n_ctx = 0;
};

void fields(auto& f, Is<ClassFit> auto& fit) {
  const auto unless_none = [](int layers) {
    return layers < 0 ? std::nullopt : std::optional(layers);
  };
  f("vram_gib", fit.class_gib);
  f.derived("fast_layers", unless_none(fit.fast_layers));
  f.derived("balanced_layers", unless_none(fit.balanced_layers));
  f.derived("performance_layers", unless_none(fit.performance_layers));
  f("all_layers_n_ctx", fit.all_layers_n_ctx);
}

struct ClassQuestion {
  std::size_t types = 0;  ///< column of the grid that layers are counted in
  std::size_t context = 0;
  std::array<double, 3> bands_percent{50, 70, 85};
  std::uint64_t reserve_bytes = 0;
  DriverShare share;
  std::uint32_t n_ctx_max = 0;  ///< contexts are searched up to here
};

/// Where the maps speak of several devices, each is such a card. Host memory does not count: it is
/// another machine's. Contexts are searched as largest_context() does, so that the same card gets
/// the same answer; what was asked for one class is not asked again for the next.
Result<std::vector<ClassFit>> fit_classes(const Grid& grid, const ClassQuestion& question,
                                          const MapSource& source);

}  // namespace sweetspot::plan
