// From evidence to failure class.
//
// A class is made where the fact is known, strongest first: what we did ourselves (cancelled,
// killed for memory), what the worker said in a Fault, which deadline passed, how the process
// ended. What a library printed is the last evidence; all texts that count are one table in
// failure.cpp, tested with lines of real logs.
#pragma once

#include <optional>
#include <string>

#include "core/error.hpp"
#include "process/tree.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::engine {

/// A deadline that passed.
struct Overdue {
  double seconds = 0;   ///< how long was allowed
  bool silent = false;  ///< no event at all, heartbeats included
};

/// Everything known when a request did not succeed.
struct Evidence {
  Phase phase = Phase::start;
  std::string program = {};                      ///< the worker's path; empty = not known
  std::optional<protocol::Fault> fault = {};     ///< the worker lives on
  std::optional<process::ExitStatus> exit = {};  ///< it ended by itself
  std::optional<Overdue> overdue = {};
  std::optional<std::string> violation = {};  ///< what it said against the protocol; a clause
  bool non_finite = false;                    ///< a sample's logits held NaN or infinity
  bool killed_for_host_memory = false;        ///< by us, before the kernel had to
  bool host_memory_was_low = false;           ///< the kernel's out-of-memory killer is plausible
  bool cancelled = false;
  std::string stderr_tail = {};  ///< printed since the request was sent
};

/// Pure. The message is one sentence that a user can act on, safe for a terminal.
Failure classify(const Evidence& evidence);

/// A failure that ends a whole command instead of one trial: its kind decides the exit code. Made
/// of what is known, and of the phase only where that is all there is: a worker that breaks the
/// protocol is no model's fault, whatever it was asked.
Error as_error(const Failure& failure);

}  // namespace sweetspot::engine
