// What can go wrong, as values.
//
// Two kinds, kept apart on purpose:
//  - Error ends a command. Its kind fixes the exit code, its sentence names the file, flag or
//  device,
//    and its remedy says what to do.
//  - Failure ends one trial and becomes a row of the results; later code acts on its class.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/enum_names.hpp"
#include "core/fields.hpp"

namespace sweetspot {

/// What kind of thing stopped a command. The numbers are the documented exit codes: never renumber.
enum class ErrorKind {
  usage = 2,               ///< a flag or argument is wrong
  model = 3,               ///< the model file cannot be used
  device = 4,              ///< a device was named that is not here, or none can be reached
  nothing_measurable = 5,  ///< every configuration failed
  output = 6,              ///< the results could not be written
  internal = 70,           ///< our own fault, or the worker program is broken or missing
  host_limit = 71,         ///< this machine gives us no more memory, processes or descriptors
  interrupted = 130,       ///< Ctrl-C or another signal to end
};

/// The process exit code that belongs to `kind`.
constexpr int exit_code(ErrorKind kind) { return static_cast<int>(kind); }

/// A command cannot go on. Both texts are whole clauses without a trailing full stop.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;  ///< "cannot open /models/a.gguf: permission denied"
  std::string remedy;   ///< "check the path and its permissions"; empty where the message says it
};

template <typename T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

inline tl::unexpected<Error> error(ErrorKind kind, std::string message, std::string remedy = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(message), std::move(remedy)});
}

/// Why one configuration could not be measured. Names in JSON are the same words with hyphens.
enum class FailureClass {
  out_of_device_memory,
  out_of_host_memory,
  model_invalid,
  model_unsupported,
  does_not_fit,     ///< known before it was loaded: it takes more memory than there is
  config_rejected,  ///< llama.cpp refuses this combination of settings (quantized V without FA,
                    ///< ...)
  non_finite_output,
  wrong_output,  ///< finite, but not what the reference configuration computes
  crashed,
  timed_out,
  device_lost,
  driver_unfit,  ///< the driver, the card and the backend do not go together
  rpc_unreachable,
  protocol_error,  ///< the worker said something the protocol does not allow
  host_limit,      ///< the machine gives no more processes, threads or descriptors
  cancelled,
};

constexpr EnumNames<FailureClass, 16> names_of(FailureClass /*of*/) {
  return {{
      {FailureClass::out_of_device_memory, "out-of-device-memory"},
      {FailureClass::out_of_host_memory, "out-of-host-memory"},
      {FailureClass::model_invalid, "model-invalid"},
      {FailureClass::model_unsupported, "model-unsupported"},
      {FailureClass::does_not_fit, "does-not-fit"},
      {FailureClass::config_rejected, "config-rejected"},
      {FailureClass::non_finite_output, "non-finite-output"},
      {FailureClass::wrong_output, "wrong-output"},
      {FailureClass::crashed, "crashed"},
      {FailureClass::timed_out, "timed-out"},
      {FailureClass::device_lost, "device-lost"},
      {FailureClass::driver_unfit, "driver-unfit"},
      {FailureClass::rpc_unreachable, "rpc-unreachable"},
      {FailureClass::protocol_error, "protocol-error"},
      {FailureClass::host_limit, "host-limit"},
      {FailureClass::cancelled, "cancelled"},
  }};
}

/// What the worker was doing; every deadline belongs to one.
enum class Phase {
  start,
  hello,
  rpc_connect,
  inspect,
  plan,  ///< asking what would be allocated
  load,
  context,
  warm_up,
  prompt,
  generation,
  full_depth,
  unload,
  synth,
  serve
};

constexpr EnumNames<Phase, 14> names_of(Phase /*of*/) {
  return {{
      {Phase::start, "start"},
      {Phase::hello, "hello"},
      {Phase::rpc_connect, "rpc-connect"},
      {Phase::inspect, "inspect"},
      {Phase::plan, "plan"},
      {Phase::load, "load"},
      {Phase::context, "context"},
      {Phase::warm_up, "warm-up"},
      {Phase::prompt, "prompt"},
      {Phase::generation, "generation"},
      {Phase::full_depth, "full-depth"},
      {Phase::unload, "unload"},
      {Phase::synth, "synth"},
      {Phase::serve, "serve"},
  }};
}

/// One configuration ended without a measurement.
struct Failure {
  FailureClass failure_class = FailureClass::crashed;
  Phase phase = Phase::start;
  std::string message;        ///< one sentence
  std::optional<int> signal;  ///< set where a signal ended the worker
  std::string stderr_tail;    ///< the last lines the worker's libraries printed, unescaped
};

void fields(auto& f, Is<Failure> auto& failure) {
  f("class", failure.failure_class);
  f("phase", failure.phase);
  f("message", failure.message);
  f("signal", failure.signal);
  f("stderr_tail", failure.stderr_tail);
}

template <typename T>
using Outcome = tl::expected<T, Failure>;

}  // namespace sweetspot
