// The trials of one measuring command and everything needed to read them a year later (R43).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/model_info.hpp"
#include "core/profile.hpp"
#include "core/reading.hpp"
#include "core/sweep_record.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"

namespace sweetspot {

/// The llama.cpp that a worker is built on.
struct Engine {
  std::string llama_version;  ///< llama_version()
  std::string llama_build;    ///< build number and commit as its CMake package states them
  std::string ggml_version;
  std::string ggml_commit;
  std::vector<std::string> backends;  ///< registered with ggml
  std::string system_info;            ///< llama_print_system_info()
};

/// The computer.
struct Machine {
  std::string os;
  std::string kernel;
  std::string cpu;
  int physical_cores = 0;
  int logical_cores = 0;
  int usable_threads = 0;  ///< what 0 threads means: by affinity, cpuset, quota and kind of core
  int most_threads = 0;    ///< that can run at once, by the same
  Reading<double> cpu_quota =
      Absence{"not read"};  ///< processors' worth of time that a cgroup allows
  Reading<std::uint64_t> memory_total_bytes;
  Reading<std::uint64_t> memory_available_bytes;
  std::vector<std::string> environment;  ///< NAME=value of variables that change how llama.cpp runs
};

/// How measuring was asked for.
struct RunSettings {
  double precision = 0.01;  ///< target relative half-width of the 95 % interval
  double max_seconds = 20;  ///< cap on measuring one config, load excluded
  Reading<std::uint64_t> vram_limit_bytes = Absence{"not set"};
  Bands bands;
  std::vector<std::string> rpc;  ///< endpoints that were asked for
  std::string mode;              ///< adaptive, quick, full, custom, tune
  bool complete = false;         ///< false while running and after an interruption
};

struct Run {
  std::string tool_version;
  std::string started_at;   ///< UTC, ISO 8601
  std::string finished_at;  ///< empty while running
  Engine engine;
  Machine machine;
  std::vector<DeviceReport> devices;
  ModelInfo model;
  RunSettings settings;
  Config base_config;  ///< what all trials share, before the layers differ
  Workload workload;
  /// One context checkpoint of llama-server at most, with base_config; 0 where it makes none.
  Reading<std::uint64_t> checkpoint_bytes = Absence{"not asked"};
  std::vector<Trial> results;
  std::optional<SweepRecord> sweep;  ///< of an adaptive run
  std::optional<TuneRecord> tune;    ///< of a tune
  Analysis analysis;
  std::vector<Profile> profiles;
  std::vector<std::string> notices;  ///< "no GPU here: ..."
};

}  // namespace sweetspot
