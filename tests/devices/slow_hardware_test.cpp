#include "devices/slow_hardware.hpp"

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

constexpr const char* kCardOfSlot = "0000:01:00.0";
constexpr const char* kCpufreq = "/sys/devices/system/cpu/cpu0/cpufreq/";

DeviceReport report_of(const std::string& description, DeviceType type = DeviceType::gpu) {
  DeviceReport report;
  report.device.id = "CUDA0";
  report.device.description = description;
  report.device.type = type;
  report.device.pci_bus_id = std::string(kCardOfSlot);
  report.status = Absence{"nobody asked"};
  return report;
}

class SlowHardware : public testing::Test {
 protected:
  /// The card behind a bridge, as sysfs has it: a link into the tree of devices.
  void link(const std::string& used, const std::string& most, const std::string& above) {
    namespace fs = std::filesystem;
    const std::string bridge = "/sys/devices/pci0000:00/0000:00:01.0";
    files_.file(bridge + "/current_link_width", above + "\n");
    files_.file(bridge + "/" + kCardOfSlot + "/current_link_width", used + "\n");
    files_.file(bridge + "/" + kCardOfSlot + "/max_link_width", most + "\n");
    const fs::path list = files_.root() + "/sys/bus/pci/devices";
    fs::create_directories(list);
    fs::create_directory_symlink(files_.root() + bridge + "/" + kCardOfSlot, list / kCardOfSlot);
  }
  void processor(const std::string& driver, const std::string& governor,
                 const std::string& allowed_khz = "3600000") {
    files_.file(std::string(kCpufreq) + "scaling_driver", driver + "\n");
    files_.file(std::string(kCpufreq) + "scaling_governor", governor + "\n");
    files_.file(std::string(kCpufreq) + "scaling_max_freq", allowed_khz + "\n");
    files_.file(std::string(kCpufreq) + "cpuinfo_max_freq", "3600000\n");
  }
  [[nodiscard]] std::vector<std::string> ask(const DeviceReport& one = report_of("A card")) const {
    return slow_hardware(files_.tree(), {one});
  }
  FakeTree files_;
};

TEST_F(SlowHardware, WhatNobodyTellsIsHeldAgainstNobody) { EXPECT_THAT(ask(), IsEmpty()); }

TEST_F(SlowHardware, AWideLinkAndAGovernorThatFollowsTheLoadAreFine) {
  link("16", "16", "16");
  processor("acpi-cpufreq", "schedutil");
  EXPECT_THAT(ask(), IsEmpty());
}

TEST_F(SlowHardware, ACardInANarrowSlotIsNamedWithItsLanes) {
  link("4", "16", "4");
  EXPECT_THAT(ask(), ElementsAre(HasSubstr("CUDA0 is connected by 4 of its 16 PCIe lanes")));
}

// Cards with a bridge of their own have all lanes behind it.
TEST_F(SlowHardware, TheNarrowestLinkOnTheWayCounts) {
  link("16", "16", "8");
  EXPECT_THAT(ask(), ElementsAre(HasSubstr("8 of its 16 PCIe lanes")));
}

TEST_F(SlowHardware, ALinkThatIsDownTellsNothing) {
  link("0", "255", "16");
  EXPECT_THAT(ask(), IsEmpty());
}

TEST_F(SlowHardware, ASoftwareRendererIsNoCard) {
  const auto found = ask(report_of("llvmpipe (LLVM 15.0.6, 256 bits)"));
  EXPECT_THAT(found, ElementsAre(AllOf(HasSubstr("software renderer"), HasSubstr("driver"))));
  EXPECT_THAT(ask(report_of("llvmpipe", DeviceType::cpu)), IsEmpty());
}

TEST_F(SlowHardware, ALoweredPowerCapIsNamedWithTheUsualOne) {
  const std::string monitor = FakeTree::pci(kCardOfSlot) + "/hwmon/hwmon3/";
  files_.file(monitor + "power1_cap_default", "300000000\n");
  files_.file(monitor + "power1_cap", "150000000\n");
  EXPECT_THAT(ask(), ElementsAre(AllOf(HasSubstr("150 W"), HasSubstr("300 W"))));
  files_.file(monitor + "power1_cap", "300000000\n");
  EXPECT_THAT(ask(), IsEmpty());
}

TEST_F(SlowHardware, APowerLimitBelowTheDefaultIsNamedWithTheCommandThatLiftsIt) {
  DeviceReport report = report_of("A card");
  DeviceStatus status;
  status.power_limit_w = 150.0;
  report.status = status;
  CardAbilities abilities;
  abilities[kCardOfSlot].power_limit_default_w = 300.0;
  EXPECT_THAT(slow_hardware(files_.tree(), {report}, abilities),
              ElementsAre(AllOf(HasSubstr("CUDA0 may take 150 W where 300 W are usual"),
                                HasSubstr("nvidia-smi -i 0000:01:00.0 -pl 300"))));
  abilities[kCardOfSlot].power_limit_default_w = 150.0;
  EXPECT_THAT(slow_hardware(files_.tree(), {report}, abilities), IsEmpty());
  abilities[kCardOfSlot].power_limit_default_w = Absence{"not supported"};
  EXPECT_THAT(slow_hardware(files_.tree(), {report}, abilities), IsEmpty());
}

TEST_F(SlowHardware, APowersavingGovernorIsNamedWhereItMeansTheLowestClock) {
  processor("acpi-cpufreq", "powersave");
  EXPECT_THAT(ask(), ElementsAre(AllOf(HasSubstr("powersave"), HasSubstr("cpupower"))));
  // Here it is the name of the usual way.
  processor("intel_pstate", "powersave");
  EXPECT_THAT(ask(), IsEmpty());
}

TEST_F(SlowHardware, AProcessorThatIsHeldDownIsNamedWithBothClocks) {
  processor("intel_pstate", "powersave", "1200000");
  EXPECT_THAT(ask(), ElementsAre(HasSubstr("1.2 of 3.6 GHz")));
}

}  // namespace
}  // namespace sweetspot::devices
