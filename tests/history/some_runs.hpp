// A data folder with run files in it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "golden/sample_run.hpp"
#include "history/index.hpp"
#include "store/run_file.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::history {

using store::runs_folder;

/// A whole run of `model` that began at `started_at`.
inline Run run_of(const std::string& model, const std::string& started_at) {
  Run run = tests::mission_run();
  run.model.path = "/models/" + model;
  run.started_at = started_at;
  run.settings.complete = true;
  return run;
}

/// Writes it where it would lie if nobody had named a file; the path.
inline std::string keep(const std::string& data_folder, const std::string& name, const Run& run) {
  std::filesystem::create_directories(runs_folder(data_folder));
  const std::string path = runs_folder(data_folder) + "/" + name + ".json";
  const Status saved = store::save_run(path, run);
  EXPECT_TRUE(saved) << (saved ? "" : saved.error().message);
  return path;
}

inline Index opened(const std::string& data_folder) {
  Result<Index> index = Index::open(data_folder);
  if (!index) throw std::runtime_error(index.error().message);
  return std::move(*index);
}

inline std::vector<std::string> names_in(const Index& index, const Wanted& wanted = {}) {
  std::vector<std::string> names;
  const Result<std::vector<RunEntry>> entries = index.list(wanted);
  EXPECT_TRUE(entries) << (entries ? "" : entries.error().message);
  if (entries) {
    for (const RunEntry& entry : *entries) names.push_back(entry.name);
  }
  return names;
}

}  // namespace sweetspot::history
