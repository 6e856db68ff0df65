#include "kernel/own_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "kernel/fake_tree.hpp"

namespace sweetspot::kernel {
namespace {

constexpr const char* kMaps =
    "10000-20000 r--p 00000000 fe:01 12   /lib/ld-linux-x86-64.so.2\n"
    "7f0000001000-7f0000002000 r-xp 00001000 fe:01 34      /opt/my tools/bin/sweetspot\n"
    "7f0000002000-7f0000003000 rw-p 00000000 00:00 0 \n"
    "7f0000003000-7f0000004000 rw-p 00000000 00:00 0     [heap]\n";

TEST(FileAt, IsTheFileWhoseMappingHoldsTheAddress) {
  EXPECT_EQ(file_at(kMaps, 0x10000), "/lib/ld-linux-x86-64.so.2");
  EXPECT_EQ(file_at(kMaps, 0x7f0000001000), "/opt/my tools/bin/sweetspot");
  EXPECT_EQ(file_at(kMaps, 0x7f0000001fff), "/opt/my tools/bin/sweetspot");
}

TEST(FileAt, IsNothingWhereNoFileIs) {
  for (const std::uint64_t address : {0x0UL, 0x20000UL, 0x7f0000002000UL, 0x7f0000003000UL, ~0UL}) {
    EXPECT_EQ(file_at(kMaps, address), "") << address;
  }
  for (const char* maps : {"", "\n", "x", "10000", "10000-", "10000-z /a", "-20000 /a"}) {
    EXPECT_EQ(file_at(maps, 0x10001), "") << maps;
  }
}

TEST(OwnFolder, IsThatOfThisProgram) {
  EXPECT_EQ(own_folder(), std::filesystem::read_symlink("/proc/self/exe").parent_path().string());
  EXPECT_EQ(own_folder(FakeTree().tree()), "") << "a kernel that does not tell";
}

}  // namespace
}  // namespace sweetspot::kernel
