// A failure that the supervisor finds itself: there is no log and no signal to it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace sweetspot::profiler {

inline Failure failed(FailureClass failure_class, Phase phase, std::string message) {
  return {failure_class, phase, std::move(message), std::nullopt, ""};
}

}  // namespace sweetspot::profiler
