#include "search/layer_shape.hpp"

#include <algorithm>
#include <cstddef>

namespace sweetspot::search {
double used_expert_bytes(const ModelInfo& model, const LayerSize& layer) {
  const auto experts = static_cast<double>(layer.expert_bytes);
  return model.n_expert > 0 ? experts * model.n_expert_used / model.n_expert : experts;
}

double read_bytes(const ModelInfo& model, const LayerSize& layer) {
  return static_cast<double>(layer.bytes - layer.expert_bytes) + used_expert_bytes(model, layer);
}

LayerShape::LayerShape(const ModelInfo& model) : offloadable_(model.offloadable_layers()) {
  // Of what belongs to no block the output is read for every token, the embeddings are not.
  output_share_ = static_cast<double>(model.non_layer_bytes) / 2;
  double sum = output_share_;
  block_share_.reserve(model.layers.size());
  for (const LayerSize& block : model.layers) {
    block_share_.push_back(read_bytes(model, block));
    sum += block_share_.back();
  }
  sum = std::max(sum, 1.0);
  output_share_ /= sum;
  for (double& share : block_share_) share /= sum;
}

double LayerShape::cpu_share(int layers) const {
  if (layers <= 0) return 1;
  const auto on_cpu = static_cast<std::size_t>(std::max(0, offloadable_ - layers));
  double share = 0;
  for (std::size_t i = 0; i < std::min(on_cpu, block_share_.size()); ++i) share += block_share_[i];
  return share;
}

double LayerShape::device_share(int layers) const {
  return layers <= 0 ? 0 : 1 - cpu_share(layers) / std::max(1e-9, 1 - output_share_);
}

Features LayerShape::features(int layers) const {
  const double on_device = device_share(layers);
  return {{1, on_device, layers <= 0 ? 1.0 : 0.0, layers >= offloadable_ ? 1.0 : 0.0}, {on_device}};
}

TimePrior LayerShape::prior(double scale_ms) const {
  return {{{scale_ms * (1 - output_share_ / 2), 0.5 * scale_ms},
           {-0.5 * scale_ms, 0.7 * scale_ms},
           {0.05 * scale_ms, 0.4 * scale_ms},
           {-0.05 * scale_ms, 0.15 * scale_ms}},
          scale_ms};
}

TimeModelRecord LayerShape::describe(const TimeModel& model, std::size_t observations) const {
  const std::vector<Coefficient>& beta = model.coefficients();
  const double blocks = std::max(1, offloadable_ - 1);
  TimeModelRecord record;
  record.formula =
      "ms per token = output_only_ms + blocks on the device * block_ms"
      " + cpu_alone_ms where nothing is offloaded + all_ms where everything is";
  record.terms = {{"output_only_ms", "the output on the device, every block on the CPU",
                   beta[0].value, beta[0].sd},
                  {"block_ms", "moving one block of average size to the device",
                   beta[1].value / blocks, beta[1].sd / blocks},
                  {"cpu_alone_ms", "no device: neither a crossing nor an output on it",
                   beta[2].value, beta[2].sd},
                  {"all_ms", "no block is left on the CPU", beta[3].value, beta[3].sd}};
  record.deviation = model.deviation();
  record.between_loads = model.between_loads();
  record.linear = model.is_linear();
  record.observations = observations;
  return record;
}

}  // namespace sweetspot::search
