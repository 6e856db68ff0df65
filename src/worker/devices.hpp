// Which devices ggml offers in this process.
#pragma once

#include <ggml-backend.h>

#include <string>
#include <vector>

#include "core/device.hpp"
#include "worker/answer.hpp"

namespace sweetspot::worker {

/// Loads ggml's backends: from the folder that SWEETSPOT_GGML_BACKENDS_DIR names in the
/// environment, else from llama/backends beside this program, else from where ggml looks itself.
Answer<void> load_backends();

/// A sentence for each backend that lies in the folder of load_backends() and cannot be loaded:
/// what it is and what the loader misses, which is mostly the driver's own library. To be asked
/// after load_backends(); empty where ggml itself looked for its backends.
std::vector<std::string> backend_problems();

/// Adds the devices of each "host:port". Whether something listens is tried first with a socket of
/// our own; what ggml does with a peer that talks nonsense (it aborts or hangs) is the
/// supervisor's.
Answer<void> connect_rpc_servers(const std::vector<std::string>& endpoints, Reply& reply);

/// Every device. Memory figures that cannot be true are absent with a reason (R15).
std::vector<Device> list_devices();

/// The devices of those names, in that order. The fault names the ones there are.
Answer<std::vector<ggml_backend_dev_t>> find_devices(const std::vector<std::string>& names,
                                                     Phase phase);

/// A function that a backend registers by name, or nullptr.
template <typename Function>
Function backend_function(const char* backend, const char* name) {
  const ggml_backend_reg_t reg = ggml_backend_reg_by_name(backend);
  if (reg == nullptr) return nullptr;
  return reinterpret_cast<Function>(ggml_backend_reg_get_proc_address(reg, name));
}

}  // namespace sweetspot::worker
