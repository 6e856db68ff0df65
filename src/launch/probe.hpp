// A first request before users come, of the kind that the server is there for: a short one shows
// that it answers, a deep one makes llama.cpp allocate what it only allocates when the context
// fills.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "launch/server_api.hpp"
#include "launch/serving.hpp"

namespace sweetspot::launch {

enum class ProbeResult {
  answered,      ///< proven to `depth` tokens
  slow,          ///< the short request was answered, the deep one not in time; it still answers
  not_possible,  ///< it does not let us (a key, a server that does something else)
  failed,        ///< an error, a broken connection, or it hangs
  timed_out,
  interrupted,
};

struct Probe {
  ProbeResult result = ProbeResult::failed;
  std::uint32_t depth = 0;       ///< tokens that were in the context, or in one input
  std::string what;              ///< a clause: what it answered instead
  Task task = Task::completion;  ///< that it does, as it turned out
};

struct ProbeRules {
  double seconds = 60;         ///< of both requests
  std::uint32_t n_ctx = 4096;  ///< of one slot, where the server does not say
  Task task = Task::completion;
  std::uint32_t piece = 512;  ///< tokens computed at once: most servers take no longer input
  std::function<bool()> go_on = [] { return true; };
};

Probe probe(const ServerApi& server, const ProbeRules& rules);

}  // namespace sweetspot::launch
