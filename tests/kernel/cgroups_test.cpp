#include "kernel/cgroups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/fake_tree.hpp"

namespace sweetspot::kernel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Cgroups, OfVersionTwoUpToTheRoot) {
  FakeTree files;
  files.file("/proc/self/cgroup", "0::/a/b\n");
  EXPECT_THAT(unified_cgroups(files.tree()),
              ElementsAre("/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"));
  EXPECT_THAT(cgroups_of(files.tree(), "cpu"), IsEmpty());
}

TEST(Cgroups, OfVersionOneByController) {
  FakeTree files;
  files.file("/proc/self/cgroup", "9:memory:/m\n4:cpu,cpuacct:/c\n");
  EXPECT_THAT(cgroups_of(files.tree(), "cpu"),
              ElementsAre("/sys/fs/cgroup/cpu/c", "/sys/fs/cgroup/cpu"));
  EXPECT_THAT(cgroups_of(files.tree(), "cpuset"), IsEmpty());
  EXPECT_THAT(unified_cgroups(files.tree()), IsEmpty());
}

TEST(Cgroups, LieWhereTheyAreMounted) {
  FakeTree files;
  files.file("/proc/self/cgroup", "4:cpu,cpuacct:/c\n0::/u\n");
  files.file("/proc/self/mountinfo",
             "30 22 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
             "31 30 0:28 / /mnt/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n"
             "32 30 0:29 / /mnt/unified rw - cgroup2 cgroup2 rw\n");
  EXPECT_THAT(cgroups_of(files.tree(), "cpu"),
              ElementsAre("/mnt/cpu,cpuacct/c", "/mnt/cpu,cpuacct"));
  EXPECT_THAT(unified_cgroups(files.tree()), ElementsAre("/mnt/unified/u", "/mnt/unified"));
}

TEST(Cgroups, AContainersMountShowsItsOwnGroupAsTheRoot) {
  FakeTree files;
  files.file("/proc/self/cgroup", "4:cpu:/docker/1234/sub\n");
  files.file("/proc/self/mountinfo",
             "31 30 0:28 /docker/1234 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
  EXPECT_THAT(cgroups_of(files.tree(), "cpu"),
              ElementsAre("/sys/fs/cgroup/cpu/sub", "/sys/fs/cgroup/cpu"));
}

TEST(Cgroups, APathOutsideOfTheNamespaceLeavesTheRoot) {
  FakeTree files;
  files.file("/proc/self/cgroup", "0::/../other\n");
  EXPECT_THAT(unified_cgroups(files.tree()), ElementsAre("/sys/fs/cgroup"));
}

TEST(Cgroups, WithoutTheKernelsFileThereAreNone) {
  EXPECT_THAT(unified_cgroups(FakeTree().tree()), IsEmpty());
}

}  // namespace
}  // namespace sweetspot::kernel
