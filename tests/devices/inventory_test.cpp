#include "devices/inventory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "devices/telemetry.hpp"
#include "fake_nvml_machine.hpp"

namespace sweetspot::devices {
namespace {

using testing::HasSubstr;

Device gpu(const std::string& id, const std::string& backend, const std::string& pci) {
  Device device;
  device.id = id;
  device.backend = backend;
  device.type = DeviceType::gpu;
  device.pci_bus_id = pci;
  device.memory_total_bytes = 8 * kGiB;
  device.memory_free_bytes = 6 * kGiB;
  return device;
}

DeviceStatus status(const std::string& pci, const std::string& name) {
  DeviceStatus status;
  status.pci_bus_id = pci;
  status.name = name;
  status.driver = "nvml";
  status.memory_source = "nvml v2";
  status.memory_total_bytes = 8 * kGiB;
  status.memory_used_bytes = kGiB;
  status.memory_free_bytes = 5 * kGiB;
  return status;
}

// ---- R24
// --------------------------------------------------------------------------------------------

TEST(Join, GoesByAddressWhereTheOrdersDiffer) {
  FakeNvmlMachine machine(healthy_gpu("00000000:C1:00.0"), healthy_gpu("00000000:01:00.0"));
  machine.gpu(0)["name"] = "second for CUDA";
  machine.gpu(1)["name"] = "first for CUDA";
  auto source = machine.open();
  ASSERT_TRUE(source);
  const auto reports =
      join({gpu("CUDA0", "CUDA", "0000:01:00.0"), gpu("CUDA1", "CUDA", "0000:c1:00.0")},
           (*source)->read());
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].device.id, "CUDA0");
  EXPECT_EQ(reports[0].status->name, Reading<std::string>("first for CUDA"));
  EXPECT_EQ(reports[1].status->name, Reading<std::string>("second for CUDA"));
}

TEST(Join, ADeviceWithoutAnAddressIsTheOneCardOfItsName) {
  Device device = gpu("CUDA0", "CUDA", "");
  device.pci_bus_id = Absence{"llama-server does not tell"};
  device.description = "card";
  const auto one =
      join({device}, {status("0000:01:00.0", "card"), status("0000:02:00.0", "other")});
  ASSERT_TRUE(one[0].status);
  EXPECT_EQ(one[0].device.pci_bus_id, Reading<std::string>("0000:01:00.0"));
  EXPECT_EQ(unclaimed({device}, {status("0000:01:00.0", "card")}).size(), 0U);
  const auto two = join({device}, {status("0000:01:00.0", "card"), status("0000:02:00.0", "card")});
  EXPECT_FALSE(two[0].status) << "of two alike nobody can tell which it is";
  Device twin = device;
  twin.id = "CUDA1";
  EXPECT_FALSE(join({device, twin}, {status("0000:01:00.0", "card")})[0].status);
}

TEST(Join, BothNamesOfOneCardGetItsStatus) {
  const std::vector<Device> devices{gpu("CUDA0", "CUDA", "0000:01:00.0"),
                                    gpu("Vulkan0", "Vulkan", "0000:01:00.0")};
  const std::vector<DeviceStatus> statuses{status("0000:01:00.0", "card")};
  for (const DeviceReport& report : join(devices, statuses)) {
    ASSERT_TRUE(report.status.has_value()) << report.device.id;
    EXPECT_EQ(report.status->name, Reading<std::string>("card"));
  }
  EXPECT_TRUE(unclaimed(devices, statuses).empty());
}

TEST(Join, AStatusNobodyClaimsIsKeptApart) {
  const std::vector<Device> devices{gpu("CUDA0", "CUDA", "0000:01:00.0")};
  const std::vector<DeviceStatus> statuses{status("0000:01:00.0", "a"),
                                           status("0000:02:00.0", "b")};
  const auto rest = unclaimed(devices, statuses);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].name, Reading<std::string>("b"));
}

TEST(Join, EveryDeviceWithoutAStatusHasAReason) {
  Device cpu;
  cpu.id = "CPU";
  cpu.type = DeviceType::cpu;
  Device no_address = gpu("Vulkan0", "Vulkan", "");
  no_address.pci_bus_id = Absence{"ggml has none"};
  // An RPC server of another machine may have a card at an address that exists here too.
  const std::vector<Device> devices{cpu, no_address, gpu("RPC0", "RPC", "0000:01:00.0"),
                                    gpu("CUDA0", "CUDA", "0000:07:00.0")};
  const auto reports = join(devices, {status("0000:01:00.0", "local")});
  ASSERT_EQ(reports.size(), 4U);
  for (const DeviceReport& report : reports) EXPECT_FALSE(report.status) << report.device.id;
  EXPECT_THAT(reports[1].status.reason(), HasSubstr("address"));
  EXPECT_THAT(reports[2].status.reason(), HasSubstr("RPC"));
  EXPECT_THAT(reports[3].status.reason(), HasSubstr("not available"));
  EXPECT_EQ(unclaimed(devices, {status("0000:01:00.0", "local")}).size(), 1U);
}

// ---- R15: one source at a time, and none that lies
// --------------------------------------------------

TEST(MemoryOf, PrefersTheDriver) {
  const auto view = memory_of({gpu("CUDA0", "CUDA", "0000:01:00.0"), status("0000:01:00.0", "a")});
  EXPECT_EQ(view.source, "nvml v2");
  EXPECT_EQ(view.free_bytes, Reading<std::uint64_t>(5 * kGiB));
  EXPECT_EQ(view.used_bytes, Reading<std::uint64_t>(kGiB));
}

TEST(MemoryOf, FallsBackToGgmlAndSaysSo) {
  DeviceStatus lying = status("0000:01:00.0", "a");
  lying.memory_free_bytes = Absence{"more free than total"};
  const Device device = gpu("CUDA0", "CUDA", "0000:01:00.0");
  for (const DeviceReport& report :
       {DeviceReport{device, lying}, DeviceReport{device, Absence{"no driver"}}}) {
    const auto view = memory_of(report);
    EXPECT_EQ(view.source, "ggml");
    EXPECT_EQ(view.free_bytes, Reading<std::uint64_t>(6 * kGiB));
    EXPECT_EQ(view.used_bytes, Reading<std::uint64_t>(2 * kGiB));
  }
}

TEST(MemoryOf, RefusesWhatGgmlCannotMean) {
  Device device = gpu("CUDA0", "CUDA", "0000:01:00.0");
  device.memory_total_bytes = std::uint64_t{0};
  device.memory_free_bytes = std::uint64_t{0};
  auto view = memory_of({device, Absence{"none"}});
  EXPECT_FALSE(view.total_bytes);
  EXPECT_FALSE(view.free_bytes);
  EXPECT_EQ(view.source, "");
  device.memory_total_bytes = 8 * kGiB;
  device.memory_free_bytes = std::numeric_limits<std::uint64_t>::max() - 4095;  // budget - usage
  view = memory_of({device, Absence{"none"}});
  EXPECT_TRUE(view.total_bytes.has_value());
  EXPECT_FALSE(view.free_bytes);
  EXPECT_FALSE(view.used_bytes);
}

TEST(MemoryOf, MarksAFreeThatEqualsTheTotal) {
  Device device = gpu("Vulkan0", "Vulkan", "0000:01:00.0");
  device.memory_free_bytes = device.memory_total_bytes;
  EXPECT_EQ(memory_of({device, Absence{"none"}}).source, "ggml, free = total");
}

// ---- R19
// --------------------------------------------------------------------------------------------

TEST(MemoryOf, UnifiedMemoryIsCappedByWhatTheHostHas) {
  json unified = healthy_gpu("00000000:01:00.0");
  unified.erase("memory");
  unified.erase("memory_v1");
  FakeNvmlMachine machine(unified);
  auto source = machine.open();
  ASSERT_TRUE(source);
  const auto reports = join({gpu("CUDA0", "CUDA", "0000:01:00.0")}, (*source)->read());
  const auto view = memory_of(reports[0], kGiB);
  EXPECT_EQ(view.free_bytes, Reading<std::uint64_t>(kGiB));
  EXPECT_THAT(view.source, HasSubstr("capped"));
  EXPECT_EQ(memory_of(reports[0], 7 * kGiB).free_bytes, Reading<std::uint64_t>(6 * kGiB));
  EXPECT_EQ(memory_of(reports[0]).free_bytes, Reading<std::uint64_t>(6 * kGiB));
}

TEST(MemoryOf, IntegratedGpusAreCappedAndDiscreteOnesAreNot) {
  Device integrated = gpu("Vulkan0", "Vulkan", "0000:01:00.0");
  integrated.type = DeviceType::igpu;
  EXPECT_EQ(memory_of({integrated, Absence{"none"}}, kGiB).free_bytes,
            Reading<std::uint64_t>(kGiB));
  EXPECT_EQ(memory_of({gpu("CUDA0", "CUDA", "0000:01:00.0"), Absence{"none"}}, kGiB).free_bytes,
            Reading<std::uint64_t>(6 * kGiB));
}

TEST(MemoryOf, TheCpusFreeMemoryIsTheHosts) {
  Device cpu;
  cpu.id = "CPU";
  cpu.type = DeviceType::cpu;
  cpu.memory_total_bytes = 16 * kGiB;
  cpu.memory_free_bytes = Absence{"ggml does not measure it"};
  const auto view = memory_of({cpu, Absence{"none"}}, 3 * kGiB);
  EXPECT_EQ(view.total_bytes, Reading<std::uint64_t>(16 * kGiB));
  EXPECT_EQ(view.free_bytes, Reading<std::uint64_t>(3 * kGiB));
  EXPECT_EQ(view.source, "host");
  EXPECT_FALSE(memory_of({cpu, Absence{"none"}}).free_bytes);
}

}  // namespace
}  // namespace sweetspot::devices
