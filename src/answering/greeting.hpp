// What both workers look at before they say hello.
#pragma once

#include <string>

#include "answering/answer.hpp"
#include "answering/outbox.hpp"

namespace sweetspot::answering {

/// A fault where the supervisor speaks another version of the protocol.
Answer<void> check_version(const protocol::HelloRequest& request);

/// A fault of phase rpc_connect where `server` is no "host:port", or nothing listens there.
Answer<void> reach_rpc_server(const std::string& server, Reply& reply);

}  // namespace sweetspot::answering
