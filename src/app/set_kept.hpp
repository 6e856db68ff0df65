// What becomes of the profile set of a run.
#pragma once

#include <cstdint>
#include <string>

#include "app/workplace.hpp"
#include "core/run.hpp"
#include "engine/worker.hpp"

namespace sweetspot::app {

/// A set that cannot be kept is no error: the run has its own file.
struct SetKept {
  enum class What {
    kept,         ///< it lies at `path`
    older_stays,  ///< the one at `path` is better, `why` says how
    nowhere,      ///< `why` says why there is none
  };
  What what = What::nowhere;
  std::string path;
  std::string why;  ///< a clause
};

/// For people: one sentence without its full stop.
std::string sentence(const SetKept& kept);

/// Makes the set of `run` and keeps it in the data folder (profiles/successor.hpp says instead of
/// which). `start` is how the run's workers were started: llama.cpp is asked once more, for what
/// the profiles take in other programs.
SetKept keep_set_of(const Run& run, const std::string& model_path,
                    const engine::StartOptions& start, const Workplace& workplace);

/// What the device that takes most takes beyond llama.cpp's buffers: as measured here, else as
/// usual.
std::uint64_t largest_share(const Run& run, const Workplace& workplace);

}  // namespace sweetspot::app
