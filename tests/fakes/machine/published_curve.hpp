// Curves that others measured and published: tests/fixtures/curves/published.json, as machines.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "machine/parts.hpp"

namespace sweetspot::fake {

/// One curve as it was published. Absent figures are 0 or empty.
struct PublishedCurve {
  std::string id;
  std::string gpu;
  int offloadable = 0;
  bool by_experts = false;  ///< layers are blocks whose experts lie on the device (n - n_cpu_moe)
  std::map<int, double> tokens_per_second = {};  ///< by layers
  std::map<int, double> prompt_tokens_per_second = {};
  std::map<int, double> vram_mib = {};  ///< in use, others included
  int fails_from = 0;                   ///< out of memory from so many on
  int cliff_at = 0;                     ///< from so many on the device paged to the host
  double size_mb = 0;
  double non_layer_mb = 0;  ///< part of size_mb: the output and the embeddings
  int n_expert = 0;
  int n_expert_used = 0;
};

/// The file with this repository's curves.
std::string published_curves_path();

/// Errors name the file, and the curve where one is wrong.
Result<std::vector<PublishedCurve>> read_curves(const std::string& path);

/// The card of a machine made of a curve.
struct Card {
  std::string name;
  /// What the largest count that was measured takes of the memory; 0 = the card it was measured on,
  /// by the size that its name says, or 0.84 where it says none.
  double full_share = 0;
};

/// As published, and three more: so that every band is asked about every part of the curve.
const std::vector<Card>& cards();

/// What differs between the measurements of one machine.
struct Noise {
  double sample = 0.01;        ///< of each sample, relative
  bool stalls = false;         ///< a sample in fifty takes 1.3 to 4 times as long
  double between_loads = 0;    ///< each load is off by up to so much, relative
  bool experts_on_cpu = true;  ///< curves over n_cpu_moe as such; else as layer counts
};

/// The cliff is vertical: up to it the line of the rows before it goes on, from it on that of the
/// rows behind it.
Parts machine_of(const PublishedCurve& curve, const Card& card, const Noise& noise = {});

}  // namespace sweetspot::fake
