// Starting scripted workers in tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "engine/worker.hpp"
#include "ground/clock.hpp"
#include "process/tree.hpp"

namespace sweetspot::engine {

inline StartOptions scripted(const std::string& script) {
  StartOptions options;
  options.program.path = SCRIPTED_WORKER;
  options.environment = {{"SWEETSPOT_SCRIPT", script}};
  return options;
}

/// A script with one rule: {"at": place, "do": action, more...}.
inline std::string rule(const std::string& place, const std::string& action,
                        const std::string& more = "") {
  return R"({"rules":[{"at":")" + place + R"(","do":")" + action + "\"" +
         (more.empty() ? "" : "," + more) + "}]}";
}

inline Worker start(const StartOptions& options) {
  auto worker = Worker::start(options);
  if (!worker) {
    ADD_FAILURE() << worker.error().message << "\n" << worker.error().stderr_tail;
    throw std::runtime_error("no worker");
  }
  return *std::move(worker);
}

inline Worker start_with_context(const StartOptions& options) {
  Worker worker = start(options);
  EXPECT_TRUE(worker.context({}));
  return worker;
}

inline protocol::MeasureRequest generation(std::uint32_t max_samples) {
  return {protocol::MeasureKind::generation, 0, 8, max_samples};
}

inline bool every(const Sample& /*sample*/) { return true; }

/// Processes, zombies left out, that carry `variable` ("NAME=value") in their environment.
inline std::size_t living(const std::string& variable) {
  const auto entries = process::system_process_table().list(variable);
  return static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(),
                    [](const auto& entry) { return entry.marked && !entry.zombie; }));
}

}  // namespace sweetspot::engine
