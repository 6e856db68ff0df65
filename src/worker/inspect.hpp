// What a GGUF file says of itself.
#pragma once

#include <string>
#include <vector>

#include "core/model_info.hpp"
#include "worker/answer.hpp"
#include "worker/gguf/file.hpp"

namespace sweetspot::worker {

/// Reads the headers of `path` and of its splits. An architecture that llama.cpp does not know is
/// no fault here: the loader says so.
Answer<ModelInfo> inspect_model(const std::string& path, Phase phase,
                                Extents extents = Extents::must_be_whole);

}  // namespace sweetspot::worker
