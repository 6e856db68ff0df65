#include "core/error.hpp"

#include "core/enum_names.hpp"

namespace sweetspot {
namespace {

constexpr EnumNames<FailureClass, 16> kFailureClasses = {{
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

constexpr EnumNames<Phase, 14> kPhases = {{
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

}  // namespace

std::string_view to_string(FailureClass failure_class) {
  return name_of(kFailureClasses, failure_class);
}

std::string_view to_string(Phase phase) { return name_of(kPhases, phase); }

std::optional<Phase> phase_from_string(std::string_view text) { return value_of(kPhases, text); }

}  // namespace sweetspot
