#include "devices/nvml_counters.hpp"

#include <algorithm>
#include <array>

namespace sweetspot::devices::nvml {
namespace {

struct Policy {
  const char* reason;
  unsigned field;
  int policy;
};

constexpr std::array<Policy, 4> kPolicies{{
    {"power cap", kFieldHeldByPower, kPolicyPower},
    {"thermal slowdown", kFieldHeldByHeat, kPolicyHeat},
    {"board limit", kFieldHeldByBoard, kPolicyBoard},
    {"reliability limit", kFieldHeldByReliability, kPolicyReliability},
}};

constexpr unsigned kMostProcesses = 64;
constexpr unsigned kWhole = 100;

std::optional<std::uint64_t> whole_number(const FieldValue& field) {
  if (field.result != kSuccess) return std::nullopt;
  switch (field.value_type) {
    case kValueUnsigned:
      return field.value.as_unsigned;
    case kValueUnsignedLong:
      return field.value.as_unsigned_long;
    case kValueUnsignedLongLong:
      return field.value.as_unsigned_long_long;
    default:
      return std::nullopt;
  }
}

// The average first: it is what a window of samples should be made of.
void take_power(Fields& fields, const FieldValue& average, const FieldValue& instant) {
  for (const FieldValue* field : {&average, &instant}) {
    if (field->result != kSuccess || field->value_type != kValueUnsigned) continue;
    fields.power_mw = field->value.as_unsigned;
    fields.power_source = field == &average ? "power-average" : "power-instant";
    return;
  }
}

}  // namespace

Fields read_fields(Asker& asker, const Symbols& symbols) {
  std::array<FieldValue, 2 + kPolicies.size()> values{};
  values[0].field_id = kFieldPowerAverage;
  values[1].field_id = kFieldPowerInstant;
  for (std::size_t i = 0; i < kPolicies.size(); ++i) values[2 + i].field_id = kPolicies[i].field;
  const Return code =
      asker.call(symbols.field_values, static_cast<int>(values.size()), values.data());
  Fields fields;
  fields.throttle = why(symbols.field_values, "nvmlDeviceGetFieldValues", code);
  if (code != kSuccess) return fields;
  take_power(fields, values[0], values[1]);
  std::vector<ThrottleCounter> counters;
  for (std::size_t i = 0; i < kPolicies.size(); ++i) {
    if (const auto held = whole_number(values[2 + i])) {
      counters.push_back({kPolicies[i].reason, *held});
    }
  }
  fields.throttle = Absence{"the driver counts no time of throttling"};
  if (!counters.empty()) fields.throttle = std::move(counters);
  return fields;
}

Reading<std::vector<ThrottleCounter>> read_throttle_counters(Asker& asker, const Symbols& symbols,
                                                             const Fields& fields) {
  if (fields.throttle || symbols.violation_status == nullptr) return fields.throttle;
  std::vector<ThrottleCounter> counters;
  for (const Policy& policy : kPolicies) {
    ViolationTime time{};
    const Return code = asker.call(symbols.violation_status, policy.policy, &time);
    if (code == kSuccess) counters.push_back({policy.reason, time.held_ns});
    // One that is not supported at all is not asked for every policy.
    if (code != kSuccess && counters.empty()) return fields.throttle;
  }
  return counters;
}

Reading<std::uint64_t> read_energy(Asker& asker, const Symbols& symbols) {
  unsigned long long millijoules = 0;
  const Return code = asker.call(symbols.total_energy, &millijoules);
  if (code == kSuccess) return std::uint64_t{millijoules};
  return why(symbols.total_energy, "nvmlDeviceGetTotalEnergyConsumption", code);
}

Reading<std::vector<ProcessUse>> read_processes(Asker& asker, const Symbols& symbols,
                                                unsigned long long& newest_us) {
  std::array<ProcessUtilisation, kMostProcesses> entries{};
  unsigned count = kMostProcesses;
  const Return code = asker.call(symbols.process_utilisation, entries.data(), &count, newest_us);
  if (code == kNotFound) return std::vector<ProcessUse>{};
  if (code != kSuccess) {
    return why(symbols.process_utilisation, "nvmlDeviceGetProcessUtilization", code);
  }
  std::vector<ProcessUse> uses;
  for (unsigned i = 0; i < std::min(count, kMostProcesses); ++i) {
    const ProcessUtilisation& entry = entries[i];
    newest_us = std::max(newest_us, entry.timestamp_us);
    if (entry.sm <= kWhole)
      uses.push_back({std::int64_t{entry.pid}, static_cast<double>(entry.sm)});
  }
  return uses;
}

}  // namespace sweetspot::devices::nvml
