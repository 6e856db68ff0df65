#include "machine/recorded_curve.hpp"

#include <algorithm>

namespace sweetspot::fake {
namespace {

double between_rows(const std::vector<RecordedPoint>& points, int layers,
                    double RecordedPoint::*field) {
  const auto above = std::find_if(points.begin(), points.end(),
                                  [&](const RecordedPoint& p) { return p.layers >= layers; });
  if (above == points.begin()) return points.front().*field;
  if (above == points.end()) return points.back().*field;
  const RecordedPoint& low = *(above - 1);
  const double share =
      static_cast<double>(layers - low.layers) / static_cast<double>(above->layers - low.layers);
  return low.*field + share * ((*above).*field - low.*field);
}

}  // namespace

double recorded_ms(const std::vector<RecordedPoint>& points, int layers) {
  return between_rows(points, layers, &RecordedPoint::ms_per_token);
}

double recorded_vram_gb(const std::vector<RecordedPoint>& points, int layers) {
  return between_rows(points, layers, &RecordedPoint::vram_gb);
}

Parts recorded_curve() {
  Parts parts;
  parts.name = "rtx4050 of the note";
  Model& model = parts.model;
  model.name = "recorded";
  // 43 offloadable layers; about 5 GB, as a 7B model at Q5_K_M has.
  model.blocks.assign(42, Block{116'000'000, 0, 80'000'000, 4096});
  model.output_bytes = 105'000'000;
  model.embedding_bytes = 90'000'000;
  model.bits_per_weight = 5.6;
  parts.processor.memory_total_gb = 16;
  parts.device.id = "GPU0";
  parts.device.memory_total_gb = 6;
  parts.device.memory_used_gb = 0.52;  // the note's row of 0 layers
  parts.device.driver_share_mb = 0;    // its figures are the whole card's
  parts.device.pool_kb_per_ubatch_token = 0;
  parts.device.bandwidth_gb_s = 192;
  parts.device.computes_host_weights = false;
  parts.recorded = {{0, 0.52, 1000 / 12.5},  {10, 1.72, 1000 / 18.2}, {20, 2.85, 1000 / 23.4},
                    {30, 3.98, 1000 / 29.1}, {35, 4.58, 1000 / 32.5}, {40, 5.15, 1000 / 34.8},
                    {43, 5.42, 1000 / 35.2}};
  return parts;
}

}  // namespace sweetspot::fake
