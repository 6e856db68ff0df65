// How one start of a program ended, told from its exit and from what it printed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "process/tree.hpp"

namespace sweetspot::launch {

enum class EndKind {
  exited,         ///< by itself, with code 0
  out_of_memory,  ///< of a device or of the host
  crashed,        ///< a signal, or another code
  timed_out,      ///< it did not become healthy in time
  hopeless,       ///< no other profile would help: its arguments, its address, the model file
};

struct End {
  EndKind kind = EndKind::crashed;
  std::string message;  ///< one clause: "llama-server ran out of device memory ..."
  /// How the process ended; empty where it had to be ended by us.
  std::optional<process::ExitStatus> status = {};
  ErrorKind error = ErrorKind::nothing_measurable;  ///< of a hopeless end
  std::string remedy = {};  ///< of a hopeless end; empty = what is usual for its kind
};

/// `program` is a name for people; `printed` the tail of its output, raw; `healthy` whether it had
/// worked before.
End end_of_exit(std::string_view program, const process::ExitStatus& status,
                std::string_view printed, bool healthy);

/// It was not healthy after `seconds`, or answered a request with an error.
End end_of_timeout(std::string_view program, double seconds, std::string_view doing);
End end_of_refusal(std::string_view program, std::string_view what, std::string_view printed);

}  // namespace sweetspot::launch
