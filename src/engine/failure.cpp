#include "engine/failure.hpp"

#include <fmt/format.h>

#include <csignal>
#include <string_view>
#include <utility>

#include "core/clues.hpp"
#include "core/text.hpp"

namespace sweetspot::engine {
namespace {

using protocol::Fault;
using protocol::FaultCode;

constexpr std::size_t kQuotedChars = 200;

std::string_view during(Phase phase) {
  switch (phase) {
    case Phase::start:
      return "while starting";
    case Phase::hello:
      return "while looking for devices";
    case Phase::rpc_connect:
      return "while connecting to the RPC server";
    case Phase::inspect:
      return "while reading the model's header";
    case Phase::plan:
      return "while asking what would be allocated";
    case Phase::load:
      return "while loading the model";
    case Phase::context:
      return "while making the context";
    case Phase::warm_up:
      return "while warming up";
    case Phase::prompt:
      return "while measuring the prompt";
    case Phase::generation:
      return "while measuring generation";
    case Phase::full_depth:
      return "while filling the whole context";
    case Phase::unload:
      return "while unloading the model";
    case Phase::synth:
      return "while writing the model";
    case Phase::serve:
      return "while serving";
  }
  return "while working";
}

std::string in_brackets(const std::string& text) {
  return text.empty() ? std::string() : " (" + text + ")";
}

// What the fault itself says, then the library's log: the order in which clues are looked for is
// the table's, not this one.
std::string printed_text(const Evidence& evidence) {
  std::string text;
  if (evidence.fault) {
    // As the library prints an exception that nobody caught.
    if (evidence.fault->code == FaultCode::exception) text = "what(): ";
    text += evidence.fault->message + "\n";
    for (const std::string& line : evidence.fault->log) text += line + "\n";
  }
  return text + evidence.stderr_tail;
}

// A prefix of ours only where the worker's sentence has none of its own.
Finding broken_model(const Fault& fault) {
  const std::string said = printable(plain_words(fault.message), kQuotedChars);
  const bool says_so = said.find(" cannot be used: ") != std::string::npos;
  return {FailureClass::model_invalid,
          (says_so ? "the model file " : "the model file cannot be used: ") + said};
}

Finding rpc_unreachable(const std::string& said) {
  const bool says_so = said.starts_with("the RPC server ");
  return {FailureClass::rpc_unreachable, (says_so ? "" : "the RPC server cannot be reached: ") +
                                             said + "; is it running there, and is the port open"};
}

// Codes that leave nothing to judge.
std::optional<Finding> plain_fault(const Fault& fault) {
  const std::string said = printable(plain_words(fault.message), kQuotedChars);
  switch (fault.code) {
    case FaultCode::bad_request:
      // What these two requests carry is what the user wrote.
      if (fault.phase == Phase::synth || fault.phase == Phase::serve) {
        return Finding{FailureClass::config_rejected, said};
      }
      return Finding{FailureClass::protocol_error, "the worker refused the request: " + said};
    case FaultCode::version_mismatch:
      return Finding{
          FailureClass::protocol_error,
          "sweetspot and its worker are of different versions: install both from the same "
          "build" +
              in_brackets(said)};
    case FaultCode::cannot_open:
    case FaultCode::header_invalid:
      return broken_model(fault);
    case FaultCode::file_changed:
      return Finding{FailureClass::model_invalid,
                     "the model file changed while it was used: measure again once it is complete" +
                         in_brackets(said)};
    case FaultCode::unsupported:
      return Finding{FailureClass::model_unsupported,
                     "this llama.cpp does not know this kind of model" + in_brackets(said)};
    case FaultCode::not_measurable:
      return Finding{
          FailureClass::model_unsupported,
          "llama.cpp knows this model, but sweetspot does not time its kind" + in_brackets(said)};
    case FaultCode::non_finite:
      return Finding{FailureClass::non_finite_output,
                     "the model's output holds NaN or infinite numbers with these settings"};
    case FaultCode::config_rejected:
      return Finding{FailureClass::config_rejected, said};
    case FaultCode::device_unknown:
      return Finding{FailureClass::config_rejected, "a device is not there: " + said};
    case FaultCode::rpc_refused:
      return rpc_unreachable(said);
    case FaultCode::cannot_write:
      return Finding{FailureClass::config_rejected, "the file cannot be written: " + said};
    case FaultCode::model_null:
    case FaultCode::context_null:
    case FaultCode::decode_failed:
    case FaultCode::engine_ended:
    case FaultCode::exception:
      return std::nullopt;
  }
  return std::nullopt;
}

// The library said no without a line that we know.
Finding bare_fault(const Fault& fault) {
  const std::string said = printable(plain_words(fault.message), kQuotedChars);
  switch (fault.code) {
    case FaultCode::model_null:
      return broken_model(fault);
    case FaultCode::engine_ended:
      return {FailureClass::crashed, said};
    case FaultCode::context_null:
      return {FailureClass::config_rejected,
              "llama.cpp makes no context with these settings and does not say why: try a smaller "
              "context" +
                  in_brackets(said)};
    case FaultCode::decode_failed:
      // llama_decode: -2 = the graph's buffers could not be allocated (llama.h, ggml_status).
      if (fault.message.find("returned -2") != std::string::npos) {
        return {FailureClass::out_of_device_memory,
                "llama.cpp found no memory for a batch: use smaller batches or fewer layers" +
                    in_brackets(said)};
      }
      return {FailureClass::config_rejected,
              "llama.cpp cannot decode with these settings" + in_brackets(said)};
    default:
      // The reader of headers is ours: it takes any file, and gives up where one makes no sense.
      if (fault.phase == Phase::inspect) return broken_model(fault);
      return {FailureClass::crashed, "llama.cpp gave up: " + said};
  }
}

Finding finding_of_fault(const Evidence& evidence) {
  const Fault& fault = *evidence.fault;
  // A file that cannot be opened because the process may open no more files is not broken.
  auto limit = find_clue(fault.message, evidence.phase);
  if (limit && limit->failure_class == FailureClass::host_limit) return *std::move(limit);
  if (auto plain = plain_fault(fault)) return *std::move(plain);
  if (auto clue = find_clue(printed_text(evidence), evidence.phase)) return *std::move(clue);
  return bare_fault(fault);
}

Finding finding_of_overdue(const Evidence& evidence) {
  const Overdue& overdue = *evidence.overdue;
  if (evidence.phase == Phase::rpc_connect) {
    return {
        FailureClass::rpc_unreachable,
        fmt::format("the RPC server did not answer within {}: check its address and that it runs",
                    format_seconds(overdue.seconds))};
  }
  return {FailureClass::timed_out,
          fmt::format("the worker {} {} within {} and was stopped",
                      overdue.silent ? "gave no sign of life" : "did not finish",
                      during(evidence.phase), format_seconds(overdue.seconds))};
}

Finding finding_of_signal(const Evidence& evidence, int signal) {
  const std::string_view when = during(evidence.phase);
  if (signal == SIGKILL && evidence.host_memory_was_low) {
    return {FailureClass::out_of_host_memory,
            fmt::format("the system stopped the worker {} because memory ran out: use a smaller "
                        "context or put more layers on the device",
                        when)};
  }
  std::string reason;
  switch (signal) {
    case SIGBUS:
      reason = "the model file changed or was truncated while it was read";
      break;
    case SIGILL:
      reason = "llama.cpp was built for another processor: it used an instruction this one lacks";
      break;
    case SIGKILL:
      reason = "it was killed from outside";
      break;
    case SIGTERM:
      reason = "it was asked to end from outside";
      break;
    case SIGSEGV:
      reason = "it touched memory that is not its own (SIGSEGV)";
      break;
    case SIGFPE:
      reason = "it divided by zero (SIGFPE)";
      break;
    case SIGABRT:
      reason = "it stopped itself (SIGABRT)";
      break;
    default:
      reason = fmt::format("signal {}", signal);
  }
  return {FailureClass::crashed, fmt::format("llama.cpp crashed {}: {}{}", when, reason,
                                             in_brackets(last_words(evidence.stderr_tail)))};
}

Finding finding_of_exit(const Evidence& evidence) {
  const bool file_vanished = evidence.exit->signal == SIGBUS;
  if (!file_vanished) {
    if (auto clue = find_clue(printed_text(evidence), evidence.phase)) {
      // What llama.cpp says of a model before it aborts is an assertion about the file; the class
      // of an end by signal stays `crashed`, and the assertion is quoted.
      const bool about_model = clue->failure_class == FailureClass::model_invalid;
      if (!(about_model && evidence.exit->signal)) return *std::move(clue);
    }
  }
  if (evidence.phase == Phase::rpc_connect) {
    return {FailureClass::rpc_unreachable,
            "the RPC server refused or broke the connection: check its address and that it runs" +
                in_brackets(last_words(evidence.stderr_tail))};
  }
  if (evidence.exit->signal) return finding_of_signal(evidence, *evidence.exit->signal);
  return {
      FailureClass::crashed,
      fmt::format("the worker ended by itself {} with exit code {}{}", during(evidence.phase),
                  evidence.exit->code.value_or(0), in_brackets(last_line(evidence.stderr_tail)))};
}

Finding finding_of(const Evidence& evidence) {
  if (evidence.cancelled) {
    return {FailureClass::cancelled, fmt::format("cancelled {}", during(evidence.phase))};
  }
  if (evidence.killed_for_host_memory) {
    return {
        FailureClass::out_of_host_memory,
        fmt::format("stopped {} before this machine ran out of memory: use a smaller context or "
                    "put more layers on the device",
                    during(evidence.phase))};
  }
  if (evidence.non_finite) {
    return {FailureClass::non_finite_output,
            "the model's output holds NaN or infinite numbers with these settings"};
  }
  if (evidence.fault) return finding_of_fault(evidence);
  if (evidence.overdue) return finding_of_overdue(evidence);
  if (evidence.exit) return finding_of_exit(evidence);
  if (evidence.violation) {
    return {FailureClass::protocol_error,
            fmt::format("the worker{} broke the protocol: {}",
                        evidence.program.empty() ? "" : " " + printable(evidence.program),
                        printable(*evidence.violation, kQuotedChars))};
  }
  return {FailureClass::crashed, fmt::format("the worker was lost {}", during(evidence.phase))};
}

}  // namespace

Failure classify(const Evidence& evidence) {
  Finding finding = finding_of(evidence);
  Failure failure;
  failure.failure_class = finding.failure_class;
  failure.phase = evidence.phase;
  failure.message = std::move(finding.message);
  if (evidence.exit) failure.signal = evidence.exit->signal;
  if (evidence.fault) {
    for (const std::string& line : evidence.fault->log) failure.stderr_tail += line + "\n";
  }
  failure.stderr_tail += evidence.stderr_tail;
  return failure;
}

namespace {

// The worker computes nothing while it reads a header, so a crash there is the file's doing.
bool fell_over_the_file(const Failure& failure) {
  if (failure.phase != Phase::inspect) return false;
  switch (failure.signal.value_or(0)) {
    case SIGABRT:
    case SIGSEGV:
    case SIGFPE:
    case SIGBUS:
      return true;
    default:
      return false;
  }
}

ErrorKind kind_by_phase(const Failure& failure) {
  switch (failure.phase) {
    case Phase::inspect:
      // A worker that leaves by itself or is ended from outside says nothing of the file.
      if (failure.failure_class != FailureClass::crashed) return ErrorKind::model;
      return fell_over_the_file(failure) ? ErrorKind::model : ErrorKind::internal;
    case Phase::plan:
      return failure.failure_class == FailureClass::config_rejected ? ErrorKind::usage
                                                                    : ErrorKind::internal;
    case Phase::synth:
      return ErrorKind::output;
    case Phase::serve:
      return ErrorKind::device;
    default:
      return ErrorKind::internal;
  }
}

ErrorKind kind_of(const Failure& failure) {
  switch (failure.failure_class) {
    case FailureClass::cancelled:
      return ErrorKind::interrupted;
    case FailureClass::host_limit:
    case FailureClass::out_of_host_memory:
      return ErrorKind::host_limit;
    case FailureClass::protocol_error:
      return ErrorKind::internal;
    case FailureClass::rpc_unreachable:
    case FailureClass::device_lost:
    case FailureClass::driver_unfit:
    case FailureClass::out_of_device_memory:
      return ErrorKind::device;
    case FailureClass::model_invalid:
    case FailureClass::model_unsupported:
      return ErrorKind::model;
    default:
      return kind_by_phase(failure);
  }
}

}  // namespace

Error as_error(const Failure& failure) { return {kind_of(failure), failure.message, ""}; }

}  // namespace sweetspot::engine
