// A machine for use cases: a scripted worker that has one card, no driver, and a folder for the
// user's data, the model, and what stands for /sys and /proc.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv is POSIX'

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "app/workplace.hpp"
#include "ground/bytes.hpp"
#include "profiles/sets.hpp"
#include "store/profile_set_file.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::app {

class AppTest : public testing::Test {
 protected:
  AppTest() {
    workplace_.data_folder = folder_ + "/data";
    workplace_.worker_program = SCRIPTED_WORKER;
    workplace_.cancel = &cancel_;
    file("/root/proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 33554432 kB\n");
    file("/model.gguf", "weights");
    ::setenv("SWEETSPOT_SYSFS_ROOT", (folder_ + "/root").c_str(), 1);
    ::setenv("SWEETSPOT_NVML_LIBRARY", (folder_ + "/no-such-library.so").c_str(), 1);
    script();
  }

  ~AppTest() override {
    for (const char* name :
         {"SWEETSPOT_SYSFS_ROOT", "SWEETSPOT_NVML_LIBRARY", "SWEETSPOT_SCRIPT"}) {
      ::unsetenv(name);
    }
  }

  void file(const std::string& path, const std::string& text) const {
    const std::filesystem::path whole = folder_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole, std::ios::binary) << text;
  }

  /// The card that profiles::testing::one_card() was made on, with so much free, in a worker with
  /// these rules.
  void script(const std::string& rules = "", std::uint64_t free_gib = 8) const {
    std::string text = R"({"devices": [{"id": "CUDA0", "type": "gpu", "backend": "CUDA",)";
    text += R"("description": "NVIDIA Test GPU", "pci_bus_id": "0000:01:00.0",)";
    text += R"("total_bytes": 8589934592, "free_bytes": )";
    text += std::to_string(free_gib * kGiB);
    text += R"(}], "rules": [)" + rules + "]}";
    ::setenv("SWEETSPOT_SCRIPT", text.c_str(), 1);
  }

  [[nodiscard]] std::string model_path() const { return folder_ + "/model.gguf"; }

  [[nodiscard]] ModelKey key() const { return store::model_key(model_path()).value(); }

  /// A measured set of that card for the model: profiles of 6, 4 and 2 GiB, and the CPU alone. What
  /// else a set remembers of a machine is left out, so that nothing of it is stale.
  [[nodiscard]] ProfileSet measured_set() const {
    ProfileSet set = profiles::testing::one_card();
    set.created_at = "2026-11-30T12:00:00Z";
    set.model = key();
    set.model_name = "small";
    set.offloadable_layers = 33;
    set.fingerprint.llama_cpp.clear();
    set.fingerprint.cpu.clear();
    set.fingerprint.environment.clear();
    for (SetDevice& device : set.devices) {
      device.uuid = Absence{"nobody tells"};
      device.driver_version = Absence{"nobody tells"};
      device.power_limit_w = Absence{"nobody tells"};
    }
    set.workload = {512, 128, 0};
    for (SavedProfile& profile : set.profiles) {
      profile.host_bytes = std::uint64_t{1000};
      profile.tokens_per_second = Estimate{10, 9.9, 10.1};
    }
    return set;
  }

  /// Kept where sets of its kind belong; the path.
  [[nodiscard]] std::string keep(const ProfileSet& set) const {
    const std::string path = store::place_of(workplace_.data_folder, set);
    const Status saved = store::save_profile_set(path, set);
    EXPECT_TRUE(saved) << saved.error().message;
    return path;
  }

  process::CancelToken cancel_;
  Workplace workplace_;

 private:
  tests::TemporaryFolder temporary_;

 protected:
  const std::string folder_ = temporary_.path();
};

}  // namespace sweetspot::app
