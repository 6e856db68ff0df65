// What every use case is told of the process it runs in.
#pragma once

#include <string>

#include "process/cancel.hpp"

namespace sweetspot::app {

struct Workplace {
  std::string data_folder;                 ///< sweetspot's in the user's data; empty = none
  std::string cache_folder;                ///< sweetspot's in the user's cache; empty = none
  std::string worker_program;              ///< empty = look beside the program
  std::string engine;                      ///< what --engine says; empty = nothing
  process::CancelToken* cancel = nullptr;  ///< set by Ctrl-C and SIGTERM

  [[nodiscard]] bool cancelled() const { return cancel != nullptr && cancel->cancelled(); }

  /// Where measured driver's shares are kept; empty where there is no data folder.
  [[nodiscard]] std::string driver_shares_path() const {
    return data_folder.empty() ? std::string() : data_folder + "/driver-shares.json";
  }
};

}  // namespace sweetspot::app
