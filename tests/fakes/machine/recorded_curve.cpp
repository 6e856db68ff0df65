#include "machine/recorded_curve.hpp"

#include <algorithm>

#include "core/no_device.hpp"
#include "machine/published_curve.hpp"

namespace sweetspot::fake {
namespace {

constexpr const char* kOfTheNote = "rtx4050-zephyr7b";

PublishedCurve curve_of_the_note() {
  const std::vector<PublishedCurve> curves = read_curves(published_curves_path()).value();
  return *std::find_if(curves.begin(), curves.end(),
                       [](const PublishedCurve& curve) { return curve.id == kOfTheNote; });
}

}  // namespace

double recorded_at(const std::vector<RecordedPoint>& points, int layers) {
  const auto above = std::find_if(points.begin(), points.end(),
                                  [&](const RecordedPoint& p) { return p.layers >= layers; });
  if (above == points.begin()) return points.front().value;
  if (above == points.end()) return points.back().value;
  const RecordedPoint& low = *(above - 1);
  const double share =
      static_cast<double>(layers - low.layers) / static_cast<double>(above->layers - low.layers);
  return low.value + share * (above->value - low.value);
}

int recorded_layers(const Parts& parts, const Placement& placement) {
  if (uses_no_device(placement)) return 0;
  const int layers = effective_layers(placement.n_gpu_layers, parts.model.offloadable());
  if (!parts.recorded.by_experts) return layers;
  const int blocks = static_cast<int>(parts.model.blocks.size());
  return std::max(0, std::min(layers - 1, blocks - placement.n_cpu_moe));
}

Config config_of(const Parts& parts, int layers) {
  Config config;
  config.placement.n_gpu_layers = parts.recorded.by_experts ? parts.model.offloadable() : layers;
  if (parts.recorded.by_experts) {
    config.placement.n_cpu_moe = static_cast<int>(parts.model.blocks.size()) - layers;
  }
  return config;
}

Parts recorded_curve() {
  Parts parts = machine_of(curve_of_the_note(), {"of the note", 0});
  parts.name = "rtx4050 of the note";
  Model& model = parts.model;
  model.name = "recorded";
  // 43 offloadable layers; about 5 GB, as a 7B model at Q5_K_M has.
  model.blocks.assign(42, Block{116'000'000, 0, 80'000'000, 4096});
  model.output_bytes = 105'000'000;
  model.embedding_bytes = 90'000'000;
  model.bits_per_weight = 5.6;
  parts.disturbance = {};
  parts.processor.memory_total_gb = 16;
  parts.device.driver_share_mb = 0;  // its figures are the whole card's
  parts.device.pool_kb_per_ubatch_token = 0;
  parts.device.bandwidth_gb_s = 192;
  parts.device.computes_host_weights = false;
  return parts;
}

}  // namespace sweetspot::fake
