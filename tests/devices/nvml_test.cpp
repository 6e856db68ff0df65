// NVML against a library that lies in every way the requirements name: R15 to R19, R22 to R24.
#include "devices/nvml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "devices/nvml_library.hpp"
#include "fake_nvml_machine.hpp"

namespace sweetspot::devices {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

DeviceStatus read_one(FakeNvmlMachine& machine, const NvmlOptions& options = {}) {
  auto source = machine.open(options);
  if (!source) {
    ADD_FAILURE() << source.error();
    return {};
  }
  std::vector<DeviceStatus> statuses = (*source)->read();
  EXPECT_EQ(statuses.size(), 1U);
  return statuses.empty() ? DeviceStatus{} : statuses.front();
}

TEST(Nvml, ReportsEveryMetricOfAHealthyGpu) {
  FakeNvmlMachine machine(healthy_gpu());
  const DeviceStatus status = read_one(machine);
  EXPECT_EQ(status.driver, "nvml");
  EXPECT_EQ(status.pci_bus_id, Reading<std::string>("0000:c1:00.0"));
  EXPECT_EQ(status.name, Reading<std::string>("NVIDIA Test GPU"));
  EXPECT_EQ(status.uuid, Reading<std::string>("GPU-00000000:C1:00.0"));
  EXPECT_EQ(status.driver_version, Reading<std::string>("550.54.14"));
  EXPECT_EQ(status.memory_total_bytes, Reading<std::uint64_t>(24 * kGiB));
  EXPECT_EQ(status.memory_used_bytes, Reading<std::uint64_t>(3 * kGiB));
  EXPECT_EQ(status.memory_reserved_bytes, Reading<std::uint64_t>(kGiB));
  EXPECT_EQ(status.memory_source, "nvml v2");
  EXPECT_EQ(status.utilisation_percent, Reading<double>(87.0));
  EXPECT_EQ(status.temperature_c, Reading<double>(61.0));
  EXPECT_EQ(status.power_w, Reading<double>(215.5));
  EXPECT_EQ(status.power_limit_w, Reading<double>(450.0));
  EXPECT_EQ(status.graphics_clock_mhz, Reading<double>(2520.0));
  EXPECT_EQ(status.memory_clock_mhz, Reading<double>(10501.0));
  EXPECT_EQ(status.throttle_reasons, Reading<std::vector<std::string>>(std::vector<std::string>{}));
}

TEST(Nvml, TellsWhatACardCouldDo) {
  json gpu = healthy_gpu();
  gpu["power_limit_default_mw"] = 575000;
  gpu["pcie"] = json::array({1, 4});
  gpu["pcie_max"] = 4;
  FakeNvmlMachine machine(gpu);
  auto source = machine.open();
  ASSERT_TRUE(source);
  (*source)->read();
  const CardAbility ability = (*source)->abilities().at("0000:c1:00.0");
  EXPECT_EQ(ability.power_limit_default_w, Reading<double>(575.0));
  EXPECT_EQ(ability.pcie_generation, Reading<double>(1.0));
  EXPECT_EQ(ability.pcie_generation_max, Reading<double>(4.0));
  (*source)->read();
  EXPECT_EQ((*source)->abilities().at("0000:c1:00.0").pcie_generation, Reading<double>(4.0));
}

TEST(Nvml, WhatADriverDoesNotTellOfACardIsAbsent) {
  json gpu = healthy_gpu();
  gpu["pcie"] = 255;
  FakeNvmlMachine machine(gpu);
  auto source = machine.open();
  ASSERT_TRUE(source);
  (*source)->read();
  const CardAbility ability = (*source)->abilities().at("0000:c1:00.0");
  EXPECT_THAT(ability.power_limit_default_w.reason(), HasSubstr("not supported"));
  EXPECT_THAT(ability.pcie_generation.reason(), HasSubstr("impossible"));
  EXPECT_FALSE(ability.pcie_generation_max);
}

TEST(Nvml, FreeIsTheDriversOwnFigureNotTotalMinusUsed) {
  FakeNvmlMachine machine(healthy_gpu());
  // total - used would be 21 GiB and overstate it by the driver's reserve.
  EXPECT_EQ(read_one(machine).memory_free_bytes, Reading<std::uint64_t>(20 * kGiB));
}

// ---- R15: memory that cannot be true
// ----------------------------------------------------------------

struct MemoryLie {
  const char* name;
  json memory;
  bool total, used, free;  // which may still be there
  const char* reason;      // part of the reason of the first that is not
};

std::ostream& operator<<(std::ostream& out, const MemoryLie& lie) { return out << lie.name; }

class NvmlMemoryLie : public testing::TestWithParam<MemoryLie> {};

TEST_P(NvmlMemoryLie, BecomesAbsentWithAReason) {
  for (const bool v2 : {true, false}) {
    json gpu = healthy_gpu();
    gpu[v2 ? "memory" : "memory_v1"] = GetParam().memory;
    if (!v2) gpu.erase("memory");
    FakeNvmlMachine machine(gpu);
    const DeviceStatus status = read_one(machine);
    EXPECT_EQ(status.memory_total_bytes.has_value(), GetParam().total) << v2;
    EXPECT_EQ(status.memory_used_bytes.has_value(), GetParam().used) << v2;
    EXPECT_EQ(status.memory_free_bytes.has_value(), GetParam().free) << v2;
    std::string reasons;
    for (const auto& reading :
         {status.memory_total_bytes, status.memory_used_bytes, status.memory_free_bytes}) {
      if (!reading) reasons += reading.reason() + "\n";
    }
    EXPECT_THAT(reasons, HasSubstr(GetParam().reason)) << v2;
    EXPECT_TRUE(status.temperature_c.has_value()) << "the other metrics must not suffer";
  }
}

INSTANTIATE_TEST_SUITE_P(
    R15, NvmlMemoryLie,
    testing::Values(MemoryLie{"FreeAboveTotal",
                              {{"total", kGiB}, {"free", 2 * kGiB}, {"used", 0}, {"reserved", 0}},
                              true,
                              true,
                              false,
                              "more free memory"},
                    MemoryLie{"UsedAboveTotal",
                              {{"total", kGiB}, {"free", 0}, {"used", 2 * kGiB}, {"reserved", 0}},
                              true,
                              false,
                              true,
                              "more used memory"},
                    MemoryLie{
                        "FreeWrappedBelowZero",
                        {{"total", kGiB}, {"free", kMax - 4095}, {"used", kGiB}, {"reserved", 0}},
                        true,
                        true,
                        false,
                        "more free memory"},
                    MemoryLie{"UsedNotAvailable",
                              {{"total", kGiB}, {"free", kGiB}, {"used", kMax}, {"reserved", 0}},
                              true,
                              false,
                              true,
                              "not available"},
                    MemoryLie{"FreeNotAvailable",
                              {{"total", kGiB}, {"free", kMax}, {"used", 0}, {"reserved", 0}},
                              true,
                              true,
                              false,
                              "not available"},
                    MemoryLie{"AllNotAvailable",
                              {{"total", kMax}, {"free", kMax}, {"used", kMax}, {"reserved", kMax}},
                              false,
                              false,
                              false,
                              "not available"},
                    MemoryLie{"TotalZero",
                              {{"total", 0}, {"free", 0}, {"used", 0}, {"reserved", 0}},
                              false,
                              false,
                              false,
                              "0 bytes"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Nvml, AnImpossibleReserveTakesNothingElseWithIt) {
  json gpu = healthy_gpu();
  gpu["memory"]["reserved"] = kMax;
  FakeNvmlMachine machine(gpu);
  const DeviceStatus status = read_one(machine);
  EXPECT_FALSE(status.memory_reserved_bytes);
  EXPECT_EQ(status.memory_free_bytes, Reading<std::uint64_t>(20 * kGiB));
}

// ---- R16: struct versions and symbols
// ---------------------------------------------------------------

class NvmlMemoryFallback : public testing::TestWithParam<int> {};

TEST_P(NvmlMemoryFallback, AsksV1) {
  json gpu = healthy_gpu();
  gpu["errors"]["nvmlDeviceGetMemoryInfo_v2"] = GetParam();
  FakeNvmlMachine machine(gpu);
  const DeviceStatus status = read_one(machine);
  EXPECT_EQ(status.memory_source, "nvml v1");
  EXPECT_EQ(status.memory_used_bytes, Reading<std::uint64_t>(4 * kGiB));
  EXPECT_EQ(status.memory_free_bytes, Reading<std::uint64_t>(20 * kGiB));
  EXPECT_FALSE(status.memory_reserved_bytes);
}

INSTANTIATE_TEST_SUITE_P(R16, NvmlMemoryFallback,
                         testing::Values(nvml::kFunctionNotFound, nvml::kArgumentVersionMismatch,
                                         nvml::kUnknown, nvml::kNotSupported,
                                         nvml::kInvalidArgument));

TEST(Nvml, AsksV1OfALibraryThatHasNoV2) {
  FakeNvmlMachine machine(healthy_gpu());
  NvmlOptions options;
  options.library = FAKE_NVML_NO_V2;
  const DeviceStatus status = read_one(machine, options);
  EXPECT_EQ(status.memory_source, "nvml v1");
  EXPECT_EQ(status.memory_free_bytes, Reading<std::uint64_t>(20 * kGiB));
  EXPECT_TRUE(status.power_w.has_value());
}

TEST(Nvml, DoesNotAskV1AfterAnErrorThatSaysNothingAboutV2) {
  json gpu = healthy_gpu();
  gpu["errors"]["nvmlDeviceGetMemoryInfo_v2"] = nvml::kNoPermission;
  FakeNvmlMachine machine(gpu);
  const DeviceStatus status = read_one(machine);
  EXPECT_THAT(machine.calls(), Not(Contains("nvmlDeviceGetMemoryInfo 00000000:C1:00.0")));
  EXPECT_THAT(status.memory_free_bytes.reason(), HasSubstr("not permitted"));
  EXPECT_EQ(status.memory_source, "");
}

// How many of a status' fields are there, to see that one missing symbol costs only its own.
int present(const DeviceStatus& status) {
  return status.pci_bus_id.has_value() + status.name.has_value() + status.uuid.has_value() +
         status.driver_version.has_value() + status.memory_total_bytes.has_value() +
         status.memory_used_bytes.has_value() + status.memory_free_bytes.has_value() +
         status.utilisation_percent.has_value() + status.temperature_c.has_value() +
         status.power_w.has_value() + status.power_limit_w.has_value() +
         status.graphics_clock_mhz.has_value() + status.memory_clock_mhz.has_value() +
         status.throttle_reasons.has_value();
}

struct MissingSymbol {
  const char* symbol;
  int lost;  // of the 14 fields
};

std::ostream& operator<<(std::ostream& out, const MissingSymbol& missing) {
  return out << missing.symbol;
}

class NvmlMissingSymbol : public testing::TestWithParam<MissingSymbol> {};

TEST_P(NvmlMissingSymbol, CostsOnlyItsOwnMetric) {
  FakeNvmlMachine machine(healthy_gpu());
  machine.files.gpu("0000:c1:00.0", "0x10de", "active");
  NvmlOptions options;
  options.symbol_filter = [](std::string_view symbol) { return symbol != GetParam().symbol; };
  const DeviceStatus status = read_one(machine, options);
  EXPECT_EQ(14 - present(status), GetParam().lost);
}

INSTANTIATE_TEST_SUITE_P(
    R16, NvmlMissingSymbol,
    testing::Values(
        MissingSymbol{"nvmlInit_v2", 0}, MissingSymbol{"nvmlShutdown", 0},
        MissingSymbol{"nvmlSystemGetDriverVersion", 1}, MissingSymbol{"nvmlDeviceGetCount_v2", 0},
        MissingSymbol{"nvmlDeviceGetHandleByIndex_v2", 0},
        MissingSymbol{"nvmlDeviceGetHandleByPciBusId_v2", 0},
        MissingSymbol{"nvmlDeviceGetPciInfo_v3", 0}, MissingSymbol{"nvmlDeviceGetName", 1},
        MissingSymbol{"nvmlDeviceGetUUID", 1}, MissingSymbol{"nvmlDeviceGetMemoryInfo", 0},
        MissingSymbol{"nvmlDeviceGetMemoryInfo_v2", 0},
        MissingSymbol{"nvmlDeviceGetUtilizationRates", 1},
        MissingSymbol{"nvmlDeviceGetTemperature", 0}, MissingSymbol{"nvmlDeviceGetTemperatureV", 0},
        MissingSymbol{"nvmlDeviceGetPowerUsage", 1},
        MissingSymbol{"nvmlDeviceGetEnforcedPowerLimit", 0},
        MissingSymbol{"nvmlDeviceGetPowerManagementLimit", 0},
        MissingSymbol{"nvmlDeviceGetClockInfo", 2},
        MissingSymbol{"nvmlDeviceGetCurrentClocksEventReasons", 0},
        MissingSymbol{"nvmlDeviceGetCurrentClocksThrottleReasons", 0},
        MissingSymbol{"nvmlDeviceGetFieldValues", 0}, MissingSymbol{"nvmlDeviceGetMaxClockInfo", 0},
        MissingSymbol{"nvmlDeviceGetViolationStatus", 0},
        MissingSymbol{"nvmlDeviceGetTotalEnergyConsumption", 0},
        MissingSymbol{"nvmlDeviceGetProcessUtilization", 0}),
    [](const auto& test) { return std::string(test.param.symbol); });

TEST(Nvml, NamesTheSymbolThatIsMissing) {
  FakeNvmlMachine machine(healthy_gpu());
  NvmlOptions options;
  options.symbol_filter = [](std::string_view symbol) { return symbol != "nvmlDeviceGetName"; };
  EXPECT_THAT(read_one(machine, options).name.reason(), HasSubstr("nvmlDeviceGetName"));
}

TEST(Nvml, WithoutAnyInitThereIsNoSource) {
  FakeNvmlMachine machine(healthy_gpu());
  NvmlOptions options;
  options.symbol_filter = [](std::string_view symbol) { return !symbol.starts_with("nvmlInit"); };
  const auto source = machine.open(options);
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error(), HasSubstr("nvmlInit_v2"));
}

TEST(Nvml, AMissingLibraryIsANote) {
  NvmlOptions options;
  options.library = "/nowhere/libnvidia-ml.so.1";
  const auto source = open_nvml(options);
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error(), HasSubstr("/nowhere/libnvidia-ml.so.1"));
}

struct InitError {
  int code;
  const char* words;
};

std::ostream& operator<<(std::ostream& out, const InitError& error) { return out << error.words; }

class NvmlInitError : public testing::TestWithParam<InitError> {};

TEST_P(NvmlInitError, HasItsOwnWords) {
  FakeNvmlMachine machine(healthy_gpu());
  machine.script()["errors"]["nvmlInit_v2"] = GetParam().code;
  const auto source = machine.open();
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error(), HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(R16, NvmlInitError,
                         testing::Values(InitError{nvml::kDriverNotLoaded, "driver is not loaded"},
                                         InitError{nvml::kVersionMismatch, "different versions"},
                                         InitError{nvml::kNoPermission, "not permitted"},
                                         InitError{777, "driver error 777"}));

// ---- R17: absent is not zero
// ------------------------------------------------------------------------

template <typename T>
std::string why(const Reading<T>& reading) {
  return reading ? "present" : reading.reason();
}

struct RefusedMetric {
  const char* symbol;
  std::vector<const char*> also;  // fallbacks that must refuse too
  std::string (*reason)(const DeviceStatus&);
};

std::ostream& operator<<(std::ostream& out, const RefusedMetric& refused) {
  return out << refused.symbol;
}

class NvmlRefusedMetric : public testing::TestWithParam<RefusedMetric> {};

TEST_P(NvmlRefusedMetric, IsAbsentInTheDriversWords) {
  struct Code {
    int code;
    const char* words;
  };
  for (const Code& error :
       {Code{nvml::kNotSupported, "not supported"}, Code{nvml::kNoPermission, "not permitted"},
        Code{nvml::kResetRequired, "needs a reset"}, Code{nvml::kUnknown, "unknown error"}}) {
    json gpu = healthy_gpu();
    gpu["errors"][GetParam().symbol] = error.code;
    for (const char* const symbol : GetParam().also) gpu["errors"][symbol] = error.code;
    FakeNvmlMachine machine(gpu);
    const DeviceStatus status = read_one(machine);
    EXPECT_THAT(GetParam().reason(status), HasSubstr(error.words));
    EXPECT_GE(present(status), 12);
  }
}

INSTANTIATE_TEST_SUITE_P(
    R17, NvmlRefusedMetric,
    testing::Values(RefusedMetric{"nvmlDeviceGetUtilizationRates",
                                  {},
                                  [](const DeviceStatus& s) { return why(s.utilisation_percent); }},
                    RefusedMetric{"nvmlDeviceGetTemperature",
                                  {"nvmlDeviceGetTemperatureV"},
                                  [](const DeviceStatus& s) { return why(s.temperature_c); }},
                    RefusedMetric{"nvmlDeviceGetPowerUsage",
                                  {"nvmlDeviceGetFieldValues"},
                                  [](const DeviceStatus& s) { return why(s.power_w); }},
                    RefusedMetric{"nvmlDeviceGetPowerManagementLimit",
                                  {"nvmlDeviceGetEnforcedPowerLimit"},
                                  [](const DeviceStatus& s) { return why(s.power_limit_w); }},
                    RefusedMetric{"nvmlDeviceGetClockInfo",
                                  {},
                                  [](const DeviceStatus& s) { return why(s.graphics_clock_mhz); }},
                    RefusedMetric{"nvmlDeviceGetCurrentClocksThrottleReasons",
                                  {"nvmlDeviceGetCurrentClocksEventReasons"},
                                  [](const DeviceStatus& s) { return why(s.throttle_reasons); }}),
    [](const auto& test) { return std::string(test.param.symbol); });

TEST(Nvml, ImpossibleNumbersAreAbsent) {
  json gpu = healthy_gpu();
  gpu["utilisation"] = 655;
  gpu["temperature"] = 65535;
  gpu["power_mw"] = std::numeric_limits<unsigned>::max();
  gpu["graphics_mhz"] = std::numeric_limits<unsigned>::max();
  FakeNvmlMachine machine(gpu);
  const DeviceStatus status = read_one(machine);
  EXPECT_FALSE(status.utilisation_percent);
  EXPECT_FALSE(status.temperature_c);
  EXPECT_FALSE(status.power_w);
  EXPECT_FALSE(status.graphics_clock_mhz);
  EXPECT_TRUE(status.memory_clock_mhz.has_value());
}

TEST(Nvml, TemperatureAndPowerHaveASecondWay) {
  json gpu = healthy_gpu();
  gpu["errors"] = {{"nvmlDeviceGetTemperatureV", nvml::kArgumentVersionMismatch},
                   {"nvmlDeviceGetPowerUsage", nvml::kNotSupported}};
  gpu["power_field_mw"] = 99000;
  FakeNvmlMachine machine(gpu);
  const DeviceStatus status = read_one(machine);
  EXPECT_EQ(status.temperature_c, Reading<double>(61.0));
  EXPECT_EQ(status.power_w, Reading<double>(99.0));
}

TEST(Nvml, IdleAndChosenClocksAreNotThrottling) {
  json gpu = healthy_gpu();
  gpu["throttle"] = {0x1 | 0x2, 0x1 | 0x4 | 0x40, 0x8000};
  FakeNvmlMachine machine(gpu);
  auto source = machine.open();
  ASSERT_TRUE(source);
  EXPECT_THAT(*(*source)->read()[0].throttle_reasons, IsEmpty());
  EXPECT_THAT(*(*source)->read()[0].throttle_reasons,
              ElementsAre("power cap", "hardware thermal slowdown"));
  EXPECT_THAT(*(*source)->read()[0].throttle_reasons, ElementsAre("unknown reason 0x8000"));
}

// ---- R18, R19
// ---------------------------------------------------------------------------------------

TEST(Nvml, NeverAsksForProcesses) {
  FakeNvmlMachine machine(healthy_gpu());
  read_one(machine);
  for (const std::string& call : machine.calls()) EXPECT_THAT(call, Not(HasSubstr("Processes")));
}

TEST(Nvml, UnifiedMemoryIsAbsentAndSaysSo) {
  json gpu = healthy_gpu();
  gpu.erase("memory");
  gpu.erase("memory_v1");
  FakeNvmlMachine machine(gpu);
  const DeviceStatus status = read_one(machine);
  EXPECT_EQ(status.memory_total_bytes.reason(), "unified memory: the driver reports none");
  EXPECT_EQ(status.memory_free_bytes.reason(), "unified memory: the driver reports none");
  EXPECT_TRUE(status.temperature_c.has_value());
}

// ---- R22: a GPU that goes away
// ----------------------------------------------------------------------

TEST(Nvml, ALostGpuIsNotAskedAgainAndTheOtherGoesOn) {
  json lost = healthy_gpu("00000000:01:00.0");
  lost["lost_after_calls"] = 16;  // in the middle of the first or second look
  FakeNvmlMachine machine(lost, healthy_gpu("00000000:02:00.0"));
  auto source = machine.open();
  ASSERT_TRUE(source);
  std::vector<DeviceStatus> statuses;
  for (int i = 0; i < 3; ++i) statuses = (*source)->read();
  ASSERT_EQ(statuses.size(), 2U);
  EXPECT_TRUE(is_lost(statuses[0]));
  EXPECT_EQ(statuses[0].pci_bus_id, Reading<std::string>("0000:01:00.0"));
  EXPECT_FALSE(is_lost(statuses[1]));
  EXPECT_TRUE(statuses[1].temperature_c.has_value());
  int asked = 0;
  for (const std::string& call : machine.calls())
    asked += call.ends_with("00000000:01:00.0") ? 1 : 0;
  EXPECT_EQ(asked, 17) << "the call that told it was the last";
}

TEST(Nvml, AGpuLostBeforeTheStartIsListed) {
  json lost = healthy_gpu("00000000:01:00.0");
  lost["errors"]["nvmlDeviceGetHandleByIndex_v2"] = nvml::kGpuIsLost;
  FakeNvmlMachine machine(lost, healthy_gpu("00000000:02:00.0"));
  auto source = machine.open();
  ASSERT_TRUE(source);
  const auto statuses = (*source)->read();
  ASSERT_EQ(statuses.size(), 2U);
  EXPECT_TRUE(is_lost(statuses[0]));
  EXPECT_TRUE(statuses[1].temperature_c.has_value());
}

// ---- R23: sleeping devices
// --------------------------------------------------------------------------

TEST(Nvml, ASleepingMachineIsNotTouched) {
  FakeNvmlMachine machine(healthy_gpu("00000000:01:00.0"));
  machine.files.gpu("0000:01:00.0", "0x10de", "suspended");
  const DeviceStatus status = read_one(machine);
  EXPECT_TRUE(is_asleep(status));
  EXPECT_EQ(status.pci_bus_id, Reading<std::string>("0000:01:00.0"));
  EXPECT_THAT(machine.calls(), IsEmpty());
}

TEST(Nvml, OnlyTheGpuThatIsAwakeIsAsked) {
  FakeNvmlMachine machine(healthy_gpu("00000000:01:00.0"), healthy_gpu("00000000:02:00.0"));
  machine.files.gpu("0000:01:00.0", "0x10de", "suspended");
  machine.files.gpu("0000:02:00.0", "0x10de", "active");
  auto source = machine.open();
  ASSERT_TRUE(source);
  const auto statuses = (*source)->read();
  ASSERT_EQ(statuses.size(), 2U);
  EXPECT_TRUE(is_asleep(statuses[0]));
  EXPECT_TRUE(statuses[1].temperature_c.has_value());
  for (const std::string& call : machine.calls()) {
    EXPECT_THAT(call, Not(HasSubstr("00000000:01:00.0")));
    EXPECT_THAT(call, Not(HasSubstr("ByIndex")));
  }
}

TEST(Nvml, WakeAsksTheSleepingOneToo) {
  FakeNvmlMachine machine(healthy_gpu("00000000:01:00.0"));
  machine.files.gpu("0000:01:00.0", "0x10de", "suspended");
  NvmlOptions options;
  options.wake = true;
  EXPECT_TRUE(read_one(machine, options).temperature_c.has_value());
}

TEST(Nvml, AGpuThatWakesIsReadAndOneThatFallsAsleepIsLeftAlone) {
  FakeNvmlMachine machine(healthy_gpu("00000000:01:00.0"));
  machine.files.gpu("0000:01:00.0", "0x10de", "suspended");
  auto source = machine.open();
  ASSERT_TRUE(source);
  EXPECT_TRUE(is_asleep((*source)->read()[0]));
  machine.files.gpu("0000:01:00.0", "0x10de", "active");
  EXPECT_EQ((*source)->read()[0].temperature_c, Reading<double>(61.0));
  machine.files.gpu("0000:01:00.0", "0x10de", "suspended");
  const std::size_t calls = machine.calls().size();
  const DeviceStatus asleep = (*source)->read()[0];
  EXPECT_TRUE(is_asleep(asleep));
  EXPECT_EQ(asleep.name, Reading<std::string>("NVIDIA Test GPU")) << "known from before";
  EXPECT_EQ(machine.calls().size(), calls);
}

TEST(Nvml, ADriverThatFailsOnceTheGpuWakesIsAReasonNotAnEnd) {
  FakeNvmlMachine machine(healthy_gpu("00000000:01:00.0"));
  machine.files.gpu("0000:01:00.0", "0x10de", "suspended");
  machine.script()["errors"]["nvmlInit_v2"] = nvml::kVersionMismatch;
  auto source = machine.open();
  ASSERT_TRUE(source);
  machine.files.gpu("0000:01:00.0", "0x10de", "active");
  const auto statuses = (*source)->read();
  ASSERT_EQ(statuses.size(), 1U);
  EXPECT_THAT(statuses[0].temperature_c.reason(), HasSubstr("different versions"));
}

TEST(Nvml, AnAmdCardAsleepDoesNotStopNvml) {
  FakeNvmlMachine machine(healthy_gpu("00000000:01:00.0"));
  machine.files.gpu("0000:05:00.0", "0x1002", "suspended");
  machine.files.gpu("0000:01:00.0", "0x10de", "active");
  EXPECT_TRUE(read_one(machine).temperature_c.has_value());
}

TEST(Nvml, TheEnvironmentNamesTheLibrary) {
  FakeNvmlMachine machine(healthy_gpu());
  NvmlOptions options = machine.options();
  options.library.clear();
  ::setenv("SWEETSPOT_NVML_LIBRARY", FAKE_NVML, 1);
  const auto source = open_nvml(options);
  ::unsetenv("SWEETSPOT_NVML_LIBRARY");
  ASSERT_TRUE(source) << source.error();
  EXPECT_EQ((*source)->read().size(), 1U);
}

}  // namespace
}  // namespace sweetspot::devices
