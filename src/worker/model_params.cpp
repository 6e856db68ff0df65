#include "worker/model_params.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ggml-backend.h>

#include <algorithm>
#include <regex>
#include <utility>

#include "core/cpu_patterns.hpp"
#include "core/no_device.hpp"
#include "worker/devices.hpp"
#include "worker/llama_adapter.hpp"

namespace sweetspot::worker {
namespace {

std::size_t count_offload_devices() {
  std::size_t count = 0;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    if (takes_layers(ggml_backend_dev_get(i))) ++count;
  }
  return count;
}

std::string there_are(std::size_t devices) {
  if (devices == 0) return "there is no device";
  return devices == 1 ? "there is 1 device" : fmt::format("there are {} devices", devices);
}

/// The buffer type of that name, as llama.cpp's programs look it up for --override-tensor.
Answer<ggml_backend_buffer_type_t> find_buffer_type(const std::string& name, Phase phase) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    const auto type = ggml_backend_dev_buffer_type(ggml_backend_dev_get(i));
    if (type == nullptr) continue;
    known.emplace_back(ggml_backend_buft_name(type));
    if (known.back() == name) return type;
  }
  return fault(FaultCode::config_rejected, phase,
               fmt::format("--override-tensor names the buffer type {}; there are {}", name,
                           fmt::join(known, ", ")));
}

/// llama.cpp compiles the patterns while it loads and throws from there.
Answer<void> check_regex(const std::string& pattern, Phase phase) {
  try {
    const std::regex compiled(pattern);
    return {};
  } catch (const std::regex_error&) {
    return fault(
        FaultCode::config_rejected, phase,
        fmt::format("--override-tensor has '{}', which is no regular expression", pattern));
  }
}

llama_split_mode split_mode_of(SplitMode mode) {
  switch (mode) {
    case SplitMode::none:
      return LLAMA_SPLIT_MODE_NONE;
    case SplitMode::row:
      return LLAMA_SPLIT_MODE_ROW;
    case SplitMode::tensor:
      return LLAMA_SPLIT_MODE_TENSOR;
    case SplitMode::layer:
      break;
  }
  return LLAMA_SPLIT_MODE_LAYER;
}

}  // namespace

bool takes_layers(ggml_backend_dev_t device) {
  const auto type = ggml_backend_dev_type(device);
  return type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
}

bool any_offload_device() { return count_offload_devices() > 0; }

Answer<ModelParams> ModelParams::from(const Placement& placement, Phase phase) {
  ModelParams params;
  params.placement_ = placement;
  for (const auto& step :
       {&ModelParams::set_devices, &ModelParams::set_split, &ModelParams::set_overrides}) {
    if (auto done = (params.*step)(placement, phase); !done) return tl::unexpected(done.error());
  }
  return params;
}

Answer<void> ModelParams::set_devices(const Placement& placement, Phase phase) {
  if (placement.devices.empty()) return {};
  if (uses_no_device(placement)) {
    devices_ = {nullptr};  // a list of none, as llama.cpp's own programs give it
    return {};
  }
  auto devices = find_devices(placement.devices, phase);
  if (!devices) return tl::unexpected(devices.error());
  for (const ggml_backend_dev_t device : *devices) {
    if (takes_layers(device)) continue;
    return fault(FaultCode::device_unknown, phase,
                 fmt::format("layers cannot be offloaded to the device {}; 0 layers keep the "
                             "model on the CPU",
                             ggml_backend_dev_name(device)));
  }
  devices_ = *std::move(devices);
  devices_.push_back(nullptr);
  return {};
}

Answer<void> ModelParams::set_split(const Placement& placement, Phase phase) {
  const std::size_t here =
      devices_.empty() ? count_offload_devices() : devices_.size() - 1;  // less the null
  if (static_cast<std::size_t>(placement.main_gpu) >= std::max<std::size_t>(here, 1)) {
    return fault(
        FaultCode::config_rejected, phase,
        fmt::format("--main-gpu is {}, but {} to offload to", placement.main_gpu, there_are(here)));
  }
  if (placement.tensor_split.empty()) return {};
  if (placement.tensor_split.size() != here) {
    return fault(FaultCode::config_rejected, phase,
                 fmt::format("--tensor-split has {} shares, but {} to offload to",
                             placement.tensor_split.size(), there_are(here)));
  }
  split_.resize(llama_max_devices());
  std::transform(placement.tensor_split.begin(), placement.tensor_split.end(), split_.begin(),
                 [](double share) { return static_cast<float>(share); });
  return {};
}

Answer<void> ModelParams::set_overrides(const Placement& placement, Phase phase) {
  for (const std::string& entry : placement.override_tensor) {
    const std::size_t equals = entry.rfind('=');
    const auto type = find_buffer_type(entry.substr(equals + 1), phase);
    if (!type) return tl::unexpected(type.error());
    patterns_.push_back(entry.substr(0, equals));
    if (auto good = check_regex(patterns_.back(), phase); !good) return good;
    overrides_.push_back({patterns_.back().c_str(), *type});
  }
  for (int block = 0; block < placement.n_cpu_moe; ++block) {
    keep_on_cpu(fmt::format(fmt::runtime(kExpertsOfBlock), block));
  }
  for (int block = 0; block < placement.n_cpu_ffn; ++block) {
    keep_on_cpu(fmt::format(fmt::runtime(kFeedForwardOfBlock), block));
  }
  if (!overrides_.empty()) overrides_.push_back({nullptr, nullptr});
  return {};
}

void ModelParams::keep_on_cpu(std::string pattern) {
  patterns_.push_back(std::move(pattern));
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  overrides_.push_back({patterns_.back().c_str(), ggml_backend_dev_buffer_type(cpu)});
}

llama_model_params ModelParams::get() const {
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = placement_.n_gpu_layers;
  params.load_mode = load_mode_of(placement_.load_mode);
  params.split_mode = split_mode_of(placement_.split_mode);
  params.main_gpu = placement_.main_gpu;
  if (!split_.empty()) params.tensor_split = split_.data();
  if (!overrides_.empty()) params.tensor_buft_overrides = overrides_.data();
  // llama.cpp's field is not const, but it only reads.
  if (!devices_.empty()) params.devices = const_cast<ggml_backend_dev_t*>(devices_.data());
  return params;
}

}  // namespace sweetspot::worker
