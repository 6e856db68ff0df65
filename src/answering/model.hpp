// What both workers answer of a model file, by the reader of the room gguf.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "answering/answer.hpp"
#include "core/model_info.hpp"
#include "gguf/problem.hpp"

namespace sweetspot::answering {

protocol::Fault fault_of(const gguf::Problem& problem, Phase phase);

/// Remembers what was inspected, to notice files that change (R25). Not thread safe.
class InspectedModels {
 public:
  Answer<protocol::InspectResult> inspect(const protocol::InspectRequest& request);

  /// Reads the header again; a file that is another one than when it was inspected is a fault.
  /// With `header_only` it may end before its weights do.
  [[nodiscard]] Answer<ModelInfo> before_load(const std::string& path, bool header_only) const;

  /// A file that we write ourselves is expected to change.
  void forget(const std::string& path) { stamps_.erase(path); }

 private:
  std::map<std::string, std::vector<FileStamp>> stamps_;  ///< by path
};

/// Nothing where the files are still those; a fault of phase load where not.
Answer<void> check_unchanged(const ModelInfo& model);

}  // namespace sweetspot::answering
