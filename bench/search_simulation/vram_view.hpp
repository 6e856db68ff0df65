// How much of a pretended device's memory a config takes, as it can be seen.
#pragma once

#include <cstdint>

#include "core/config.hpp"
#include "machine/machine.hpp"

namespace sweetspot::simulation {

/// `machine` must outlive it.
class VramView {
 public:
  /// `driver`: as Rules.
  VramView(const fake::Machine& machine, bool driver) : machine_(machine), driver_(driver) {}

  /// The whole device's memory in use with that config, as a trial shows it; percent.
  [[nodiscard]] double visible_percent(const Config& config) const;

  /// What llama.cpp's breakdown makes expect, before anything was loaded.
  [[nodiscard]] double predicted_percent(const Config& config) const;

  /// What is missing by llama.cpp's breakdown alone: 0 = may fit.
  [[nodiscard]] std::uint64_t missing_bytes(const Config& config) const;

 private:
  [[nodiscard]] double percent_of(std::uint64_t ours) const;

  const fake::Machine& machine_;
  bool driver_;
};

}  // namespace sweetspot::simulation
