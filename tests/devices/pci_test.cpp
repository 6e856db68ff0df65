#include "devices/pci.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/fake_tree.hpp"

namespace sweetspot::devices {
namespace {

TEST(PciId, EverySpellingBecomesTheKernels) {
  for (const char* const text :
       {"00000000:C1:00.0", "0000:c1:00.0", "0000:C1:00.0", "c1:00.0", "0:c1:0.0"}) {
    EXPECT_EQ(normalise_pci_id(text), "0000:c1:00.0") << text;
  }
  EXPECT_EQ(normalise_pci_id("0001:0a:1f.7"), "0001:0a:1f.7");
  EXPECT_EQ(normalise_pci_id("10000:e1:00.0"), "10000:e1:00.0") << "domains of VMD are longer";
}

TEST(PciId, DevicesThatDifferStayApart) {
  EXPECT_NE(normalise_pci_id("0001:c1:00.0"), normalise_pci_id("0000:c1:00.0"));
  EXPECT_NE(normalise_pci_id("0000:c1:00.1"), normalise_pci_id("0000:c1:00.0"));
}

TEST(PciId, EverythingElseIsNone) {
  for (const char* const text :
       {"", ".", ":", "::.", "0000:c1:00", "c1.0", "0000:c1:00.", "x:y:z.w", "0000:c1:00.10",
        "000000000:c1:00.0", "0000:1c1:00.0", "-1:00.0", "GPU-1234", " 0000:c1:00.0"}) {
    EXPECT_EQ(normalise_pci_id(text), std::nullopt) << text;
  }
}

TEST(PciList, HoldsDisplaysAndAcceleratorsWithTheirSleep) {
  kernel::FakeTree files;
  files.gpu("0000:01:00.0", "0x10de", "suspended").gpu("0000:05:00.0", "0x1002", "active");
  files.gpu("0000:06:00.0", "0x1002", "active");
  files.file(kernel::FakeTree::pci("0000:06:00.0") + "/class", "0x120000\n");
  files.gpu("0000:07:00.0", "0x8086", "active");
  files.file(kernel::FakeTree::pci("0000:07:00.0") + "/class", "0x020000\n");  // a network card
  const auto gpus = list_pci_gpus(files.tree());
  ASSERT_EQ(gpus.size(), 3U);
  EXPECT_EQ(gpus[0].id, "0000:01:00.0");
  EXPECT_EQ(gpus[0].vendor, kVendorNvidia);
  EXPECT_TRUE(gpus[0].suspended);
  EXPECT_EQ(gpus[1].vendor, kVendorAmd);
  EXPECT_FALSE(gpus[1].suspended);
  EXPECT_EQ(gpus[2].id, "0000:06:00.0");
}

TEST(PciList, IsEmptyWithoutSysfs) {
  kernel::FakeTree files;
  EXPECT_TRUE(list_pci_gpus(files.tree()).empty());
}

TEST(PciSleep, OnlySuspendedAndSuspendingAreAsleep) {
  kernel::FakeTree files;
  const std::string id = "0000:01:00.0";
  for (const auto& [state, asleep] :
       std::vector<std::pair<std::string, bool>>{{"suspended", true},
                                                 {"suspending", true},
                                                 {"active", false},
                                                 {"resuming", false},
                                                 {"unsupported", false},
                                                 {"", false}}) {
    files.gpu(id, "0x10de", state);
    EXPECT_EQ(is_suspended(files.tree(), id), asleep) << state;
  }
  EXPECT_FALSE(is_suspended(files.tree(), "0000:99:00.0"));
}

}  // namespace
}  // namespace sweetspot::devices
