#include "core/offload_targets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot {
namespace {

using testing::ElementsAre;

Device device(std::string id, std::string backend, DeviceType type, const char* pci = nullptr) {
  Device made;
  made.id = std::move(id);
  made.backend = std::move(backend);
  made.type = type;
  made.pci_bus_id = Absence{"none"};
  if (pci != nullptr) made.pci_bus_id = std::string(pci);
  return made;
}

const Device kCpu = device("CPU", "CPU", DeviceType::cpu);
const Device kCuda = device("CUDA0", "CUDA", DeviceType::gpu, "0000:01:00.0");
const Device kVulkan = device("Vulkan0", "Vulkan", DeviceType::gpu, "0000:01:00.0");
const Device kSecond = device("CUDA1", "CUDA", DeviceType::gpu, "0000:02:00.0");
const Device kIntegrated = device("Vulkan1", "Vulkan", DeviceType::igpu, "0000:00:02.0");
const Device kRemote = device("RPC0", "RPC", DeviceType::gpu, "0000:01:00.0");

using Devices = std::vector<Device>;

TEST(OffloadTargets, ACardThatTwoBackendsListIsTakenOnce) {
  EXPECT_THAT(offload_targets(Devices{kCuda, kSecond, kVulkan, kCpu}, {}),
              ElementsAre("CUDA0", "CUDA1"));
}

TEST(OffloadTargets, CardsWithoutAnAddressAreTwo) {
  const Device one = device("Vulkan0", "Vulkan", DeviceType::gpu);
  const Device two = device("Vulkan1", "Vulkan", DeviceType::gpu);
  EXPECT_THAT(offload_targets(Devices{one, two, kCpu}, {}), ElementsAre("Vulkan0", "Vulkan1"));
}

TEST(OffloadTargets, AnAddressBehindRpcIsOfAnotherMachine) {
  EXPECT_THAT(offload_targets(Devices{kRemote, kCuda, kCpu}, {}), ElementsAre("RPC0", "CUDA0"));
}

TEST(OffloadTargets, IntegratedOnesAreTakenWhereThereIsNothingElse) {
  EXPECT_THAT(offload_targets(Devices{kIntegrated, kCpu}, {}), ElementsAre("Vulkan1"));
  EXPECT_THAT(offload_targets(Devices{kIntegrated, kCuda, kCpu}, {}), ElementsAre("CUDA0"));
  EXPECT_THAT(offload_targets(Devices{kIntegrated, kRemote, kCpu}, {}), ElementsAre("RPC0"));
}

TEST(OffloadTargets, WhatIsNamedIsTaken) {
  EXPECT_THAT(offload_targets(Devices{kCuda, kVulkan, kIntegrated, kCpu}, {"Vulkan1"}),
              ElementsAre("Vulkan1"));
}

TEST(OffloadTargets, TheFirstViewOfACardIsFound) {
  const Devices devices = {kCuda, kSecond, kVulkan, kCpu};
  EXPECT_EQ(same_card_before(devices, 0), nullptr);
  EXPECT_EQ(same_card_before(devices, 1), nullptr);
  ASSERT_NE(same_card_before(devices, 2), nullptr);
  EXPECT_EQ(same_card_before(devices, 2)->id, "CUDA0");
}

}  // namespace
}  // namespace sweetspot
