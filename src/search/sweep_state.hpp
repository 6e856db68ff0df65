// All that a sweep was asked and told, and how each layer count stands by it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/profile.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"
#include "search/decisions.hpp"
#include "search/judge_rows.hpp"
#include "search/layer_shape.hpp"
#include "search/sweep_row.hpp"

namespace sweetspot::search {

/// A layer count, and what is known of it before anything runs.
struct LayerCandidate {
  int layers = 0;                                            ///< effective
  std::string why_not;                                       ///< it cannot fit; empty where it may
  Reading<std::uint64_t> vram_bytes = Absence{"not asked"};  ///< predicted, ours
  Reading<double> vram_percent = Absence{"not asked"};       ///< predicted, with what others use
  std::optional<Estimate> slice_ms =
      std::nullopt;  ///< generation per token, by slices of the model; with what they are off by
};

struct SweepRules {
  Bands bands;
  double tolerance = 0.02;
  double confidence = 0.95;
};

/// Not thread safe while it is changed.
struct SweepState {
  std::vector<LayerCandidate> candidates;  ///< ascending by layers, each once
  LayerShape shape;
  SweepRules rules;
  SweepRows rows = {};
  Closed closed = {};  ///< by the rows

  void judge() { closed = search::judge(rows, shape, rules.tolerance); }

  // Of a candidate, by its index:

  /// Nothing where it was not tried.
  [[nodiscard]] const SweepRow* row_of(std::size_t candidate) const;
  [[nodiscard]] bool is_usable(std::size_t candidate) const;
  /// It was not tried and may be.
  [[nodiscard]] bool is_open(std::size_t candidate) const;
  /// Of device memory; of what nobody measured with what the driver took elsewhere.
  [[nodiscard]] Reading<double> percent_of(std::size_t candidate) const;
  /// Of the contests; nothing where it is not safe, or nobody could call it so.
  [[nodiscard]] std::optional<std::size_t> band_of(std::size_t candidate) const;

  /// In the order they are reported; the last one is over everything that is safe.
  [[nodiscard]] std::vector<Contest> contests() const;
};

}  // namespace sweetspot::search
