// Weights into memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "answering/model.hpp"
#include "worker/answer.hpp"
#include "worker/llama_adapter.hpp"

namespace sweetspot::worker {

struct LoadedModel {
  ModelHandle model;
  Offloaded offloaded;
  double seconds = 0;
  std::optional<protocol::SliceBytes> slice;
};

/// Loads as the placement says, the model or a slice of it, reporting progress. Files that are not
/// those that were inspected are file_changed, and so are files that change meanwhile.
Answer<LoadedModel> load_model(const protocol::LoadRequest& request,
                               const answering::InspectedModels& inspected, Reply& reply);

/// Why the loader gave no model back, by what it printed since `since`.
protocol::Fault explain_failed_load(const std::string& path, library_log::Mark since, Phase phase);

}  // namespace sweetspot::worker
