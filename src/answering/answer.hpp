// How a function that answers a request says that it failed: a Fault as a value.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "protocol/messages.hpp"

namespace sweetspot::answering {

/// A result, or the fact that ends the request. The log lines are added by whoever sends it.
template <typename T>
using Answer = tl::expected<T, protocol::Fault>;

using protocol::FaultCode;

inline tl::unexpected<protocol::Fault> fault(FaultCode code, Phase phase, std::string message) {
  return tl::unexpected<protocol::Fault>(protocol::Fault{code, phase, std::move(message), {}});
}

}  // namespace sweetspot::answering
