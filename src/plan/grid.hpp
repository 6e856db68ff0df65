// Memory maps of many configs from few questions.
//
// llama.cpp is asked for every placement at the smallest and the largest context. That shows what
// each layer takes and where the compute buffers change. Every other column (a context and a pair
// of cache types) is asked only at the places where something changes and at two places to confirm;
// what lies between is filled in. A column whose confirmation fails is asked in full: nothing is
// filled in that the oracle has not confirmed for this model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "plan/map_source.hpp"

namespace sweetspot::plan {

struct CacheTypes {
  std::string k = "f16";
  std::string v = "f16";

  bool operator==(const CacheTypes&) const = default;
};

struct GridAxes {
  Config base;                       ///< everything that the axes do not set
  std::vector<int> layers;           ///< effective counts, ascending, no duplicates
  std::vector<std::uint32_t> n_ctx;  ///< ascending, no duplicates
  std::vector<CacheTypes> cache_types;
};

/// Cells in the order cache types, contexts, layers.
struct Grid {
  GridAxes axes;
  std::vector<PlannedMemory> cells;
  std::size_t asked = 0;  ///< configs that llama.cpp itself answered; the rest were filled in

  [[nodiscard]] const PlannedMemory& at(std::size_t types, std::size_t context,
                                        std::size_t layers) const {
    return cells[(types * axes.n_ctx.size() + context) * axes.layers.size() + layers];
  }
};

/// The config of a cell.
Config config_at(const GridAxes& axes, std::size_t types, std::size_t context, std::size_t layers);

/// Errors are those of `source`.
Result<Grid> fill_grid(const GridAxes& axes, const MapSource& source);

}  // namespace sweetspot::plan
