// A placement as llama.cpp takes it.
#pragma once

#include <llama.h>

#include <list>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "worker/answer.hpp"

namespace sweetspot::worker {

/// Owns what llama_model_params only points to; must outlive the load that uses it.
class ModelParams {
 public:
  /// Faults: a device or buffer type that is not here, a split that does not match the devices.
  static Answer<ModelParams> from(const Placement& placement, Phase phase);

  /// The parameters with everything that the placement sets.
  [[nodiscard]] llama_model_params get() const;

 private:
  Answer<void> set_devices(const Placement& placement, Phase phase);
  Answer<void> set_split(const Placement& placement, Phase phase);
  Answer<void> set_overrides(const Placement& placement, Phase phase);
  void keep_on_cpu(std::string pattern);

  Placement placement_;
  std::vector<ggml_backend_dev_t> devices_;  ///< with the null that ends it; empty = llama.cpp's
  std::vector<float> split_;                 ///< as long as llama.cpp reads; empty = its own
  std::list<std::string> patterns_;          ///< never moved: overrides_ points into them
  std::vector<llama_model_tensor_buft_override> overrides_;  ///< with the null that ends it
};

/// True where llama.cpp can offload layers to it.
bool takes_layers(ggml_backend_dev_t device);

/// True where any registered device takes layers.
bool any_offload_device();

}  // namespace sweetspot::worker
