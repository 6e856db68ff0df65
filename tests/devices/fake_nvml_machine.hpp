// A machine of NVIDIA GPUs as data, for the fake driver library.
#pragma once

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "devices/nvml.hpp"
#include "ground/bytes.hpp"
#include "kernel/fake_tree.hpp"

namespace sweetspot::devices {

using nlohmann::json;

/// A healthy card: 24 GiB, of which v2 tells 1 GiB to be the driver's.
inline json healthy_gpu(const std::string& pci = "00000000:C1:00.0") {
  return {{"pci", pci},
          {"name", "NVIDIA Test GPU"},
          {"uuid", "GPU-" + pci},
          {"memory",
           {{"total", 24 * kGiB}, {"free", 20 * kGiB}, {"used", 3 * kGiB}, {"reserved", kGiB}}},
          {"memory_v1", {{"total", 24 * kGiB}, {"free", 20 * kGiB}, {"used", 4 * kGiB}}},
          {"utilisation", 87},
          {"temperature", 61},
          {"power_mw", 215500},
          {"power_limit_mw", 450000},
          {"graphics_mhz", 2520},
          {"memory_mhz", 10501},
          {"throttle", 0}};
}

/// Owns the script, the call log and the tree of one test.
class FakeNvmlMachine {
 public:
  template <typename... Json>
  explicit FakeNvmlMachine(const json& first, const Json&... more) {
    script_ = {{"driver_version", "550.54.14"}, {"calls_file", calls_path()}};
    script_["gpus"] = json::array();
    for (const json* const gpu : {&first, &more...}) script_["gpus"].push_back(*gpu);
    write();
  }
  ~FakeNvmlMachine() { ::unsetenv("FAKE_NVML_SCRIPT"); }
  FakeNvmlMachine(const FakeNvmlMachine&) = delete;
  FakeNvmlMachine& operator=(const FakeNvmlMachine&) = delete;

  kernel::FakeTree files;

  json& script() { return script_; }
  json& gpu(std::size_t index = 0) { return script_["gpus"][index]; }

  /// Opens the library on the script as it is now.
  tl::expected<std::unique_ptr<StatusSource>, std::string> open(NvmlOptions options = {}) {
    write();
    if (options.library.empty()) options.library = FAKE_NVML;
    options.tree = files.tree();
    return open_nvml(options);
  }

  NvmlOptions options() {
    write();
    NvmlOptions options;
    options.library = FAKE_NVML;
    options.tree = files.tree();
    return options;
  }

  /// "symbol" or "symbol pci", in order.
  [[nodiscard]] std::vector<std::string> calls() const {
    std::vector<std::string> lines;
    std::ifstream file(calls_path());
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  [[nodiscard]] std::string release_path() const { return files.root() + "/release"; }

 private:
  [[nodiscard]] std::string calls_path() const { return files.root() + "/calls"; }

  void write() {
    files.file("/script.json", script_.dump());
    ::setenv("FAKE_NVML_SCRIPT", (files.root() + "/script.json").c_str(), 1);
  }

  json script_;
};

}  // namespace sweetspot::devices
