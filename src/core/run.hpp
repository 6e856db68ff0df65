// The trials of one measuring command and everything needed to read them a year later (R43).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/fields.hpp"
#include "core/model_info.hpp"
#include "core/profile.hpp"
#include "core/reading.hpp"
#include "core/sweep_record.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"

namespace sweetspot {

/// The llama.cpp that a worker is built on, or drives.
struct Engine {
  std::string llama_version;  ///< llama_version()
  std::string llama_build;    ///< build number and commit as its CMake package states them
  std::string ggml_version;
  std::string ggml_commit;
  std::vector<std::string> backends;  ///< registered with ggml
  std::string system_info;            ///< llama_print_system_info()
  std::string program = {};       ///< of one that is driven: what --engine takes; empty = linked
  std::string program_hash = {};  ///< of its file and libraries

  /// What tells its builds apart, as far as it says. Begins with the version.
  [[nodiscard]] const std::string& build() const {
    return llama_build.empty() ? llama_version : llama_build;
  }
};

void fields(auto& f, Is<Engine> auto& engine) {
  f("llama_version", engine.llama_version);
  f("llama_build", engine.llama_build);
  f("ggml_version", engine.ggml_version);
  f("ggml_commit", engine.ggml_commit);
  f("backends", engine.backends);
  f("system_info", engine.system_info);
  f.later("program", engine.program);
  f.later("program_hash", engine.program_hash);
}

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

void fields(auto& f, Is<Machine> auto& machine) {
  f("os", machine.os);
  f("kernel", machine.kernel);
  f("cpu", machine.cpu);
  f("physical_cores", machine.physical_cores);
  f("logical_cores", machine.logical_cores);
  f("usable_threads", machine.usable_threads);
  f("most_threads", machine.most_threads);
  f("environment", machine.environment);
  f("cpu_quota", machine.cpu_quota);
  f("memory_total_bytes", machine.memory_total_bytes);
  f("memory_available_bytes", machine.memory_available_bytes);
}

/// How measuring was asked for.
struct RunSettings {
  double precision = 0.01;  ///< target relative half-width of the 95 % interval
  double max_seconds = 20;  ///< cap on measuring one config, load excluded
  Reading<std::uint64_t> vram_limit_bytes = Absence{"not set"};
  Bands bands;
  std::vector<std::string> rpc;  ///< endpoints that were asked for
  std::string mode;              ///< adaptive, quick, full, custom, tune, check, compare
  bool complete = false;         ///< false while running and after an interruption
};

// `complete` is a member of the run's document.
void fields(auto& f, Is<RunSettings> auto& settings) {
  f("mode", settings.mode);
  f("precision", settings.precision);
  f("max_seconds", settings.max_seconds);
  f("rpc", settings.rpc);
  f("bands", settings.bands);
  f("vram_limit_bytes", settings.vram_limit_bytes);
}

/// The notice of a run where nothing can be offloaded.
inline constexpr const char* kNoDeviceNotice =
    "There is no device here that llama.cpp can offload to: only the CPU is measured.";

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

  /// The result at `index`; nullptr where there is none.
  [[nodiscard]] const Trial* result(std::optional<std::size_t> index) const {
    return index && *index < results.size() ? &results[*index] : nullptr;
  }

  /// Into `results`: the winner of a tune, else the fastest that is safe.
  [[nodiscard]] std::optional<std::size_t> best() const {
    return tune ? tune->winner : analysis.optimum;
  }
};

inline constexpr const char* kRunSchema = "sweetspot.run/1";

/// kRunSchema, docs/formats/run-1.schema.json.
void fields(auto& f, Is<Run> auto& run) {
  f.constant("schema", kRunSchema);
  f.group("tool", [&](auto& tool) {
    tool.constant("name", "sweetspot");
    tool("version", run.tool_version);
  });
  f("started_at", run.started_at);
  f.derived("finished_at", unless_empty(run.finished_at));
  f("complete", run.settings.complete);
  f("engine", run.engine);
  f("machine", run.machine);
  f("devices", run.devices);
  f("model", run.model);
  f("settings", run.settings);
  f("base_config", run.base_config);
  f("workload", run.workload);
  f("results", run.results);
  f("sweep", run.sweep);
  f("tune", run.tune);
  f("analysis", run.analysis);
  f("profiles", run.profiles);
  f("notices", run.notices);
  f("checkpoint_bytes", run.checkpoint_bytes);
}

}  // namespace sweetspot
