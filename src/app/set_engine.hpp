// Profiles belong to the llama.cpp that they were measured with: which one that is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/set_source.hpp"
#include "app/workplace.hpp"
#include "servers/read.hpp"

namespace sweetspot::app {

/// The workplace for the profiles that are kept for a model: with the engine they were measured
/// with, unless the user names another one. One that is gone or cannot be used is said in `notes`,
/// and the workplace stays as it is.
Workplace with_engine_of_set(const SetSource& source, const Workplace& workplace,
                             std::vector<std::string>& notes);

/// What the profiles' engine cannot be told of a config, as one sentence; empty where it can be
/// told all.
std::string lacks_sentence(const servers::ServerCard& engine, const Config& config);

}  // namespace sweetspot::app
