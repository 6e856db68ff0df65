// The part of NVML's binary interface that is used here: facts about NVIDIA's library (API 13, and
// the older calls it still exports), written down for dlopen. Names of symbols are NVML's; types
// are ours.
#pragma once

#include <cstddef>

namespace sweetspot::devices::nvml {

using Return = int;    ///< nvmlReturn_t, an enum: any value can come
using Device = void*;  ///< nvmlDevice_t, an opaque handle

inline constexpr Return kSuccess = 0;
inline constexpr Return kUninitialized = 1;
inline constexpr Return kInvalidArgument = 2;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kNoPermission = 4;
inline constexpr Return kNotFound = 6;
inline constexpr Return kInsufficientSize = 7;
inline constexpr Return kInsufficientPower = 8;
inline constexpr Return kDriverNotLoaded = 9;
inline constexpr Return kTimeout = 10;
inline constexpr Return kIrqIssue = 11;
inline constexpr Return kFunctionNotFound = 13;
inline constexpr Return kGpuIsLost = 15;
inline constexpr Return kResetRequired = 16;
inline constexpr Return kOperatingSystem = 17;
inline constexpr Return kVersionMismatch = 18;  ///< of library and kernel module
inline constexpr Return kNoData = 21;
inline constexpr Return kArgumentVersionMismatch = 25;
inline constexpr Return kDeprecated = 26;
inline constexpr Return kNotReady = 27;
inline constexpr Return kGpuNotFound = 28;
inline constexpr Return kUnknown = 999;

/// How newer calls mark the struct they are given: its size, and its version in the top byte. The
/// header's comment at nvmlMemory_v2_t says "must be 2"; the driver wants the macro's number.
template <typename Struct>
constexpr unsigned versioned(unsigned version) {
  return static_cast<unsigned>(sizeof(Struct)) | (version << 24U);
}

struct PciInfo {  // nvmlPciInfo_t
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned pci_device_id;
  unsigned pci_subsystem_id;
  char bus_id[32];  // "00000000:C1:00.0"
};
static_assert(sizeof(PciInfo) == 68);

struct Memory {  // nvmlMemory_t; used includes what the driver keeps for itself
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
static_assert(sizeof(Memory) == 24);

struct MemoryV2 {  // nvmlMemory_v2_t
  unsigned version;
  unsigned long long total;
  unsigned long long reserved;
  unsigned long long free;
  unsigned long long used;
};
inline constexpr unsigned kMemoryV2 = versioned<MemoryV2>(2);
static_assert(kMemoryV2 == 0x02000028);

struct Utilisation {  // nvmlUtilization_t, percent
  unsigned gpu;
  unsigned memory;
};

struct TemperatureV1 {  // nvmlTemperature_v1_t
  unsigned version;
  int sensor;
  int temperature;
};
inline constexpr unsigned kTemperatureV1 = versioned<TemperatureV1>(1);
inline constexpr int kTemperatureGpu = 0;

union Value {  // nvmlValue_t
  double as_double;
  int as_int;
  unsigned as_unsigned;
  unsigned long as_unsigned_long;
  unsigned long long as_unsigned_long_long;
  long long as_long_long;
  unsigned short as_unsigned_short;
};

struct FieldValue {  // nvmlFieldValue_t
  unsigned field_id;
  unsigned scope_id;
  long long timestamp;
  long long latency_us;
  int value_type;  // kValueUnsigned, ...
  Return result;
  Value value;
};
static_assert(sizeof(FieldValue) == 40);
inline constexpr unsigned kFieldPowerAverage = 185;
inline constexpr unsigned kFieldPowerInstant = 186;
inline constexpr int kValueUnsigned = 1;
inline constexpr int kValueUnsignedLong = 2;
inline constexpr int kValueUnsignedLongLong = 3;

// Nanoseconds that a policy has held the clocks down. These numbers are as old as the fields
// themselves. The newer fields for single causes are left alone: they are 251 to 253 in some
// versions of the header and 269 to 271 in others, where 251 to 253 mean something else.
inline constexpr unsigned kFieldHeldByPower = 74;
inline constexpr unsigned kFieldHeldByHeat = 75;
inline constexpr unsigned kFieldHeldByBoard = 77;
inline constexpr unsigned kFieldHeldByReliability = 79;

// The same policies as nvmlDeviceGetViolationStatus numbers them.
inline constexpr int kPolicyPower = 0;
inline constexpr int kPolicyHeat = 1;
inline constexpr int kPolicyBoard = 3;
inline constexpr int kPolicyReliability = 5;

struct ViolationTime {  // nvmlViolationTime_t
  unsigned long long reference_us;
  unsigned long long held_ns;
};

struct ProcessUtilisation {  // nvmlProcessUtilizationSample_t, percent
  unsigned pid;
  unsigned long long timestamp_us;
  unsigned sm;
  unsigned memory;
  unsigned encoder;
  unsigned decoder;
};
static_assert(sizeof(ProcessUtilisation) == 32);

inline constexpr int kClockGraphics = 0;
inline constexpr int kClockMemory = 2;

// Bits of the clocks event (formerly throttle) reasons.
inline constexpr unsigned long long kReasonIdle = 0x1;
inline constexpr unsigned long long kReasonApplicationClocks = 0x2;
inline constexpr unsigned long long kReasonSoftwarePowerCap = 0x4;
inline constexpr unsigned long long kReasonHardwareSlowdown = 0x8;
inline constexpr unsigned long long kReasonSyncBoost = 0x10;
inline constexpr unsigned long long kReasonSoftwareThermal = 0x20;
inline constexpr unsigned long long kReasonHardwareThermal = 0x40;
inline constexpr unsigned long long kReasonPowerBrake = 0x80;
inline constexpr unsigned long long kReasonDisplayClock = 0x100;

}  // namespace sweetspot::devices::nvml
