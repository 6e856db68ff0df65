// Calls about one NVIDIA card.
#pragma once

#include "devices/nvml_abi.hpp"
#include "devices/nvml_library.hpp"

namespace sweetspot::devices::nvml {

/// Once the card is lost nothing more is asked. Both arguments outlive the asker.
class Asker {
 public:
  Asker(const Device& handle, bool& lost) : handle_(handle), lost_(lost) {}

  template <typename Function, typename... Args>
  Return call(Function* function, Args... args) {
    if (lost_) return kGpuIsLost;
    if (function == nullptr) return kFunctionNotFound;
    const Return code = function(handle_, args...);
    lost_ = code == kGpuIsLost;
    return code;
  }

 private:
  const Device& handle_;
  bool& lost_;
};

template <typename Function>
Absence why(Function* function, const char* symbol, Return code) {
  return function == nullptr ? missing(symbol) : Absence{describe(code)};
}

}  // namespace sweetspot::devices::nvml
