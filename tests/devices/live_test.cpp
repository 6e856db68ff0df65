#include "devices/live.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/inventory.hpp"
#include "devices/telemetry.hpp"
#include "fake_nvml_machine.hpp"

namespace sweetspot::devices {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

Machine machine(std::uint64_t available = 16 * kGiB) {
  Machine made;
  made.cpu = "A processor";
  made.memory_available_bytes = available;
  made.environment = {"GGML_X=1"};
  return made;
}

DeviceReport report(const std::string& id, DeviceType type = DeviceType::gpu) {
  DeviceReport made;
  made.device.id = id;
  made.device.type = type;
  made.device.description = "Test GPU";
  made.device.pci_bus_id = std::string("0000:c1:00.0");
  made.device.memory_total_bytes = 8 * kGiB;
  made.device.memory_free_bytes = 7 * kGiB;
  made.status = Absence{"no driver"};
  return made;
}

TEST(Live, WhatTheDriverSaysComesBeforeGgml) {
  FakeNvmlMachine fake(healthy_gpu());
  auto source = fake.open();
  ASSERT_TRUE(source);
  DeviceReport made = report("CUDA0");
  const auto joined = join({made.device}, (*source)->read());
  const LiveMachine live = live_machine(joined, machine());
  ASSERT_THAT(live.devices, SizeIs(1));
  const LiveDevice& device = live.devices[0];
  EXPECT_EQ(device.id, "CUDA0");
  EXPECT_EQ(device.memory_free_bytes, Reading<std::uint64_t>(20 * kGiB));
  EXPECT_EQ(device.uuid, Reading<std::string>("GPU-00000000:C1:00.0"));
  EXPECT_EQ(device.driver_version, Reading<std::string>("550.54.14"));
  EXPECT_EQ(device.power_limit_w, Reading<double>(450.0));
  EXPECT_FALSE(device.asleep);
  EXPECT_EQ(live.cpu, "A processor");
  EXPECT_EQ(live.environment, std::vector<std::string>{"GGML_X=1"});
  EXPECT_EQ(live.host_available_bytes, Reading<std::uint64_t>(16 * kGiB));
}

TEST(Live, OnlyDevicesThatTakeLayersAreListed) {
  const LiveMachine live =
      live_machine({report("CPU", DeviceType::cpu), report("BLAS", DeviceType::accel),
                    report("Vulkan0"), report("Vulkan1", DeviceType::igpu)},
                   machine(2 * kGiB));
  ASSERT_THAT(live.devices, SizeIs(2));
  EXPECT_FALSE(live.devices[0].shares_host_memory);
  EXPECT_EQ(live.devices[0].memory_free_bytes, Reading<std::uint64_t>(7 * kGiB));
  EXPECT_TRUE(live.devices[1].shares_host_memory);
  EXPECT_EQ(live.devices[1].memory_free_bytes, Reading<std::uint64_t>(2 * kGiB));
}

TEST(Live, GgmlsImpossibleFiguresAreAbsent) {
  DeviceReport made = report("Vulkan0");
  made.device.memory_free_bytes = 9 * kGiB;
  EXPECT_FALSE(live_machine({made}, machine()).devices[0].memory_free_bytes);
  made.device.memory_free_bytes = std::uint64_t{0};
  made.device.memory_total_bytes = std::uint64_t{0};
  EXPECT_FALSE(live_machine({made}, machine()).devices[0].memory_total_bytes);
}

TEST(Live, WithoutGgmlDriversAndThePciBusTell) {
  FakeNvmlMachine fake(healthy_gpu());
  fake.files.gpu("0000:c1:00.0", "0x10de", "active").gpu("0000:00:02.0", "0x8086", "active");
  auto source = fake.open();
  ASSERT_TRUE(source);
  const LiveMachine live =
      live_machine((*source)->read(), list_pci_gpus(fake.files.tree()), machine());
  ASSERT_THAT(live.devices, SizeIs(2));
  EXPECT_THAT(live.devices[0].id, IsEmpty());
  EXPECT_EQ(live.devices[0].description, "NVIDIA Test GPU");
  EXPECT_EQ(live.devices[0].memory_free_bytes, Reading<std::uint64_t>(20 * kGiB));
  EXPECT_EQ(live.devices[1].pci_bus_id, Reading<std::string>("0000:00:02.0"));
  EXPECT_EQ(live.devices[1].memory_free_bytes.reason(), "not available for this device");
}

TEST(Live, ASleepingCardIsListedAndNotAsked) {
  FakeNvmlMachine fake(healthy_gpu("00000000:01:00.0"));
  fake.files.gpu("0000:01:00.0", "0x10de", "suspended");
  auto source = fake.open();
  ASSERT_TRUE(source);
  const LiveMachine live =
      live_machine((*source)->read(), list_pci_gpus(fake.files.tree()), machine());
  ASSERT_THAT(live.devices, SizeIs(1));
  EXPECT_TRUE(live.devices[0].asleep);
  EXPECT_EQ(live.devices[0].memory_free_bytes.reason(), kAsleepReason);
  EXPECT_THAT(fake.calls(), IsEmpty());
}

TEST(Live, UnifiedMemoryIsTheHosts) {
  auto gpu = healthy_gpu();
  gpu.erase("memory");
  gpu.erase("memory_v1");
  FakeNvmlMachine fake(gpu);
  auto source = fake.open();
  ASSERT_TRUE(source);
  const LiveMachine live = live_machine((*source)->read(), {}, machine());
  ASSERT_THAT(live.devices, SizeIs(1));
  EXPECT_TRUE(live.devices[0].shares_host_memory);
  EXPECT_FALSE(live.devices[0].memory_free_bytes);
}

TEST(Live, TheHostsFiguresComeBeforeTheDrivers) {
  FakeNvmlMachine fake(healthy_gpu(), healthy_gpu("00000000:01:00.0"));
  auto source = fake.open();
  ASSERT_TRUE(source);
  const LiveMachine seen = live_machine((*source)->read(), {}, machine());
  LiveDevice told;
  told.id = "CUDA0";
  told.pci_bus_id = std::string("00000000:C1:00.0");
  told.memory_free_bytes = kGiB;
  told.memory_total_bytes = Absence{"not told"};
  LiveDevice remote;
  remote.id = "RPC0";
  const LiveMachine live = with_devices_of_host({told, remote}, seen);
  ASSERT_THAT(live.devices, SizeIs(2));
  EXPECT_EQ(live.devices[0].memory_free_bytes, Reading<std::uint64_t>(kGiB));
  EXPECT_EQ(live.devices[0].memory_total_bytes, Reading<std::uint64_t>(24 * kGiB));
  EXPECT_EQ(live.devices[0].uuid, Reading<std::string>("GPU-00000000:C1:00.0"));
  EXPECT_FALSE(live.devices[1].uuid);
  EXPECT_EQ(live.cpu, "A processor");
}

}  // namespace
}  // namespace sweetspot::devices
