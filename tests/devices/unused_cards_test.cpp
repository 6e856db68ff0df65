#include "devices/unused_cards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "kernel/fake_tree.hpp"

namespace sweetspot::devices {
namespace {

using kernel::FakeTree;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kNvidia = "0x10de";
constexpr const char* kAmd = "0x1002";
constexpr const char* kUnusedCard = "0000:c1:00.0";

class UnusedCards : public testing::Test {
 protected:
  void add(const std::string& id, const std::string& vendor, const std::string& driver = "") {
    files_.gpu(id, vendor, "active");
    if (!driver.empty()) files_.file(FakeTree::pci(id) + "/uevent", "DRIVER=" + driver + "\nX=1\n");
  }
  std::vector<std::string> ask(const std::vector<std::string>& backends = {"CPU"},
                               const std::vector<Device>& devices = {}) {
    return unused_cards(files_.tree(), devices, backends);
  }
  FakeTree files_;
};

Device device(const std::string& id, const Reading<std::string>& pci,
              const std::string& backend = "Vulkan") {
  Device device;
  device.id = id;
  device.backend = backend;
  device.type = DeviceType::gpu;
  device.pci_bus_id = pci;
  return device;
}

TEST_F(UnusedCards, ACardWithoutADriverSaysWhichOneIsMissing) {
  add(kUnusedCard, kNvidia);
  EXPECT_THAT(ask({"CPU", "CUDA"}),
              ElementsAre(AllOf(HasSubstr(kUnusedCard), HasSubstr("NVIDIA (10de:1234)"),
                                HasSubstr("no driver for it loaded (nvidia)"))));
}

TEST_F(UnusedCards, ADriverWithoutABackendNamesTheBackends) {
  add(kUnusedCard, kAmd, "amdgpu");
  EXPECT_THAT(ask({"CPU", "RPC"}),
              ElementsAre(AllOf(HasSubstr("AMD"), HasSubstr("driver is amdgpu"),
                                HasSubstr("none of the backends for it (ROCm, HIP, Vulkan)"))));
}

TEST_F(UnusedCards, NouveauServesVulkanAlone) {
  add(kUnusedCard, kNvidia, "nouveau");
  EXPECT_THAT(ask({"CUDA"}), ElementsAre(HasSubstr("none of the backends")));
  files_.file("/dev/dri/renderD128", "");
  EXPECT_THAT(ask({"CUDA", "Vulkan"}), ElementsAre(HasSubstr("Vulkan finds no device")));
}

TEST_F(UnusedCards, AContainerThatWasGivenNoDeviceFileSaysSo) {
  add(kUnusedCard, kNvidia, "nvidia");
  EXPECT_THAT(ask({"CUDA"}), ElementsAre(HasSubstr("/dev/nvidiactl is not here")));
  add(kUnusedCard, kAmd, "amdgpu");
  EXPECT_THAT(ask({"Vulkan"}), ElementsAre(HasSubstr("/dev/dri has no render node")));
}

TEST_F(UnusedCards, AFileThatMayNotBeOpenedNamesItself) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may open everything";
  add(kUnusedCard, kAmd, "amdgpu");
  files_.file("/dev/dri/renderD128", "");
  std::filesystem::permissions(files_.root() + "/dev/dri/renderD128", std::filesystem::perms::none);
  EXPECT_THAT(ask({"Vulkan"}), ElementsAre(HasSubstr("may not open /dev/dri/renderD128")));
}

TEST_F(UnusedCards, AScreensAdapterIsOnlyTalkedOfWhereThereIsNoDevice) {
  add("0000:02:00.0", "0x1a03");
  EXPECT_THAT(ask(), ElementsAre(HasSubstr("display adapter (1a03:1234)")));
  EXPECT_THAT(ask({"Vulkan"}, {device("Vulkan0", std::string(kUnusedCard))}), IsEmpty());
}

TEST_F(UnusedCards, ACardInUseIsNotTalkedOf) {
  add(kUnusedCard, kAmd, "amdgpu");
  add("0000:01:00.0", kNvidia);
  const auto told = ask({"Vulkan"}, {device("Vulkan0", std::string("00000000:C1:00.0"))});
  EXPECT_THAT(told, ElementsAre(HasSubstr("0000:01:00.0")));
}

TEST_F(UnusedCards, ADeviceWithoutAnAddressMayBeAnyCard) {
  add(kUnusedCard, kAmd, "amdgpu");
  EXPECT_THAT(ask({"Vulkan"}, {device("Vulkan0", Absence{"none"})}), IsEmpty());
  EXPECT_THAT(ask({"Vulkan"}, {device("RPC0", Absence{"none"}, "RPC")}), SizeIs(1))
      << "a device of another machine is none of these cards";
}

TEST_F(UnusedCards, ACardOfAVirtualMachineIsNotOurs) {
  add(kUnusedCard, kNvidia, "vfio-pci");
  EXPECT_THAT(ask({"CUDA"}), ElementsAre(HasSubstr("virtual machines")));
}

}  // namespace
}  // namespace sweetspot::devices
