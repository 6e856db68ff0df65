#include "process/child_cgroup.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "temporary_folder.hpp"

namespace sweetspot::process {
namespace {

// A system of files that a test writes.
class FakeCgroups : public testing::Test {
 protected:
  FakeCgroups() { std::filesystem::create_directories(root_ + "/proc"); }

  [[nodiscard]] CgroupFiles files(const std::string& group, const std::string& mounts) const {
    std::ofstream(root_ + "/proc/cgroup") << group;
    std::ofstream(root_ + "/proc/mountinfo") << mounts;
    return {root_ + "/proc/cgroup", root_ + "/proc/mountinfo", root_};
  }

  tests::TemporaryFolder folder_;
  std::string root_ = folder_.path();
};

constexpr const char* kMounts =
    "30 20 0:26 / /sys rw - sysfs sysfs rw\n"
    "31 30 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

TEST_F(FakeCgroups, OurOwnGroupIsTheOneOfVersion2) {
  EXPECT_EQ(own_cgroup_folder(files("9:pids:/other\n0::/user/app\n", kMounts)),
            root_ + "/sys/fs/cgroup/user/app");
  EXPECT_EQ(own_cgroup_folder(files("0::/\n", kMounts)), root_ + "/sys/fs/cgroup");
}

TEST_F(FakeCgroups, AMountOfAPartShowsWhatLiesBelowIt) {
  const std::string part = "31 30 0:27 /pod /cg rw - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(own_cgroup_folder(files("0::/pod/app\n", part)), root_ + "/cg/app");
  EXPECT_EQ(own_cgroup_folder(files("0::/elsewhere\n", part)), std::nullopt);
}

TEST_F(FakeCgroups, NoneWhereThereIsNothingToSee) {
  EXPECT_EQ(own_cgroup_folder(files("9:pids:/other\n", kMounts)), std::nullopt);
  EXPECT_EQ(own_cgroup_folder(files("0::/user\n", "30 20 0:26 / /sys rw - sysfs sysfs rw\n")),
            std::nullopt);
  EXPECT_EQ(own_cgroup_folder(files("0::/../outside\n", kMounts)), std::nullopt);
  EXPECT_EQ(own_cgroup_folder({"/nowhere", "/nowhere", {}}), std::nullopt);
}

TEST_F(FakeCgroups, AKernelThatCannotEndAGroupGetsNone) {
  std::filesystem::create_directories(root_ + "/sys/fs/cgroup");
  // A plain folder: what is made in it has no cgroup.procs and no cgroup.kill.
  EXPECT_FALSE(ChildCgroup::make(files("0::/\n", kMounts)));
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/sys/fs/cgroup"));
  EXPECT_FALSE(ChildCgroup::make(files("0::/not/there\n", kMounts)));
}

TEST(ChildCgroup, EndsWhatEnteredItAndTakesItsFolderAway) {
  auto group = ChildCgroup::make();
  if (!group) GTEST_SKIP() << "no cgroup may be made here";
  const pid_t child = fork();
  if (child == 0) {
    enter_cgroup(group->entrance());
    pause();
    _exit(0);
  }
  for (int i = 0; i < 10'000 && !group->populated(); ++i) usleep(1000);
  EXPECT_TRUE(group->populated());
  group->kill();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(group->populated());
  const std::string folder = group->folder();
  group.reset();
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace sweetspot::process
