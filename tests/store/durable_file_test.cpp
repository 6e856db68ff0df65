#include "store/durable_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <ostream>
#include <thread>
#include <vector>

#include "temporary_folder.hpp"

namespace sweetspot::store {
namespace {

using sweetspot::tests::read_file;
using sweetspot::tests::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

int fail_with(int code) {
  errno = code;
  return -1;
}

mode_t mode_of(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(0, ::stat(path.c_str(), &info));
  return info.st_mode;
}

// ---- what is written

TEST(WriteAtomically, MakesAFileThatHoldsTheText) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_atomically(folder.file("a.json"), "text"));
  EXPECT_EQ("text", read_file(folder.file("a.json")));
  EXPECT_EQ(1U, folder.entries());
}

TEST(WriteAtomically, WritesEveryByteIncludingZeroAndNoneAtAll) {
  const TemporaryFolder folder;
  std::string text(3 << 20U, 'x');
  text[1000] = '\0';
  ASSERT_TRUE(write_atomically(folder.file("a"), text));
  EXPECT_EQ(text, read_file(folder.file("a")));
  ASSERT_TRUE(write_atomically(folder.file("a"), ""));
  EXPECT_EQ("", read_file(folder.file("a")));
}

TEST(WriteAtomically, TakesTheLongestNameAFileCanHave) {
  const TemporaryFolder folder;
  const std::string path = folder.file(std::string(255, 'n'));
  ASSERT_TRUE(check_writable(path));
  ASSERT_TRUE(write_atomically(path, "text"));
  EXPECT_EQ("text", read_file(path));
}

TEST(WriteAtomically, KeepsThePermissionsOfTheFileItReplaces) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_atomically(folder.file("a"), "old"));
  ASSERT_EQ(0, ::chmod(folder.file("a").c_str(), 0640));
  ASSERT_TRUE(write_atomically(folder.file("a"), "new"));
  EXPECT_EQ(0640U, mode_of(folder.file("a")) & 07777U);
}

TEST(WriteAtomically, FollowsASymbolicLinkInsteadOfReplacingIt) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_atomically(folder.file("real"), "old"));
  ASSERT_EQ(0, ::symlink("real", folder.file("link").c_str()));
  ASSERT_TRUE(write_atomically(folder.file("link"), "new"));
  EXPECT_EQ("new", read_file(folder.file("real")));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
}

TEST(WriteAtomically, WritesToACharacterDeviceWithoutReplacingIt) {
  ASSERT_TRUE(check_writable("/dev/null"));
  ASSERT_TRUE(write_atomically("/dev/null", "text"));
  EXPECT_TRUE(S_ISCHR(mode_of("/dev/null")));
}

// ---- what cannot be written, for real

struct BadPath {
  const char* name;
  std::function<std::string(const TemporaryFolder&)> path;
  const char* says;
};

// GoogleTest names the cases of a list by it.
void PrintTo(const BadPath& bad, std::ostream* out) { *out << bad.name; }

class BadPaths : public testing::TestWithParam<BadPath> {};

TEST_P(BadPaths, AreRefusedBeforeAndWhileWriting) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_atomically(folder.file("file"), "old"));
  const std::string path = GetParam().path(folder);
  for (const Status& status : {check_writable(path), write_atomically(path, "text")}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(ErrorKind::output, status.error().kind);
    EXPECT_THAT(status.error().message, HasSubstr(GetParam().says));
    EXPECT_THAT(status.error().remedy, HasSubstr("-o FILE"));
  }
  EXPECT_EQ("old", read_file(folder.file("file")));
  EXPECT_EQ(1U, folder.entries());
}

INSTANTIATE_TEST_SUITE_P(
    DurableFile, BadPaths,
    testing::Values(
        BadPath{"no_folder", [](const auto& f) { return f.file("none/a.json"); },
                "/none does not exist"},
        BadPath{"file_as_folder", [](const auto& f) { return f.file("file/a.json"); },
                "Not a directory"},
        BadPath{"a_folder", [](const auto& f) { return f.path(); }, "Is a directory"},
        BadPath{"a_missing_folder", [](const auto& f) { return f.file("none/"); }, "directory"},
        BadPath{"empty", [](const auto&) { return std::string(); }, "empty"},
        BadPath{"zero_byte", [](const auto& f) { return f.file(std::string("a\0b", 3)); }, "\\x00"},
        BadPath{"long_name", [](const auto& f) { return f.file(std::string(256, 'n')); },
                "too long"},
        // Root may write anywhere, but not here.
        BadPath{"proc", [](const auto&) { return std::string("/proc/sweetspot.json"); },
                "cannot write /proc/sweetspot.json"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(CheckWritable, LeavesNothingAndChangesNothing) {
  const TemporaryFolder folder;
  ASSERT_TRUE(check_writable(folder.file("new")));
  EXPECT_EQ(0U, folder.entries());
  ASSERT_TRUE(write_atomically(folder.file("a"), "old"));
  ASSERT_TRUE(check_writable(folder.file("a")));
  EXPECT_EQ("old", read_file(folder.file("a")));
  EXPECT_EQ(1U, folder.entries());
}

// Runs `body` in a child, since it changes what the whole process may do. The child's exit code.
constexpr int kCannotTry = 77;
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int state = 0;
  if (child < 0 || ::waitpid(child, &state, 0) != child || !WIFEXITED(state)) return -1;
  return WEXITSTATUS(state);
}

int says(const Status& status, const char* words) {
  const bool as_wanted = !status && status.error().kind == ErrorKind::output &&
                         status.error().message.find(words) != std::string::npos;
  if (!as_wanted) std::fprintf(stderr, "%s\n", status ? "ok" : status.error().message.c_str());
  return as_wanted ? 0 : 1;
}

TEST(CheckWritable, RefusesAFolderWithoutPermission) {
  const TemporaryFolder folder;
  ASSERT_EQ(0, ::chmod(folder.path().c_str(), 0555));
  const int result = in_child([&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::seteuid(kNobody) != 0) return kCannotTry;
    return says(check_writable(folder.file("a")), "Permission denied");
  });
  if (result == kCannotTry) GTEST_SKIP() << "root, and may not become somebody else";
  EXPECT_EQ(0, result);
}

// ---- links that others made

constexpr uid_t kStranger = 65534;

// A folder like /tmp, and a file beside it that is nobody's business there.
class SharedFolder : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's link";
    std::filesystem::create_directories(shared());
    ASSERT_EQ(0, ::chmod(shared().c_str(), 01777));
    ASSERT_TRUE(write_atomically(victim(), "old"));
  }

  [[nodiscard]] std::string shared() const { return folder_.file("shared"); }
  [[nodiscard]] std::string victim() const { return folder_.file("victim"); }
  [[nodiscard]] std::string link(const std::string& aim, uid_t owner) const {
    std::string path = shared() + "/link";
    EXPECT_EQ(0, ::symlink(aim.c_str(), path.c_str()));
    EXPECT_EQ(0, ::lchown(path.c_str(), owner, owner));
    return path;
  }

  void expect_refused(const std::string& path) const {
    for (const Status& status : {check_writable(path), write_atomically(path, "new")}) {
      ASSERT_FALSE(status);
      EXPECT_EQ(ErrorKind::output, status.error().kind);
      EXPECT_THAT(status.error().message,
                  AllOf(HasSubstr(path), HasSubstr("another user's symbolic link")));
      EXPECT_THAT(status.error().remedy, HasSubstr("-o FILE"));
    }
    EXPECT_EQ("old", read_file(victim()));
    EXPECT_EQ(2U, folder_.entries());
  }

  TemporaryFolder folder_;  // NOLINT(readability-identifier-naming): protected for the tests
};

TEST_F(SharedFolder, AnothersLinkIsNotFollowed) { expect_refused(link(victim(), kStranger)); }

TEST_F(SharedFolder, NorIsOneThatLeadsToNoFileYet) {
  expect_refused(link(folder_.file("none"), kStranger));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("none")));
}

TEST_F(SharedFolder, NorIsOneOnTheWay) {
  expect_refused(link(folder_.path(), kStranger) + "/victim");
  expect_refused(shared() + "/link/none");
}

TEST_F(SharedFolder, NorIsOneThatALinkOfOursLeadsTo) {
  const std::string ours = shared() + "/ours";
  const std::string theirs = link(victim(), kStranger);
  ASSERT_EQ(0, ::symlink("link", ours.c_str()));
  const Status status = write_atomically(ours, "new");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, AllOf(HasSubstr(ours + ":"), HasSubstr(theirs + " is")));
  EXPECT_EQ("old", read_file(victim()));
}

TEST_F(SharedFolder, OurOwnLinkIsFollowed) {
  const std::string path = link(victim(), ::geteuid());
  ASSERT_TRUE(check_writable(path));
  ASSERT_TRUE(write_atomically(path, "new"));
  EXPECT_EQ("new", read_file(victim()));
  EXPECT_TRUE(std::filesystem::is_symlink(path));
}

TEST_F(SharedFolder, SoIsOneThatTheFoldersOwnerMade) {
  ASSERT_EQ(0, ::chown(shared().c_str(), kStranger, kStranger));
  ASSERT_TRUE(write_atomically(link(victim(), kStranger), "new"));
  EXPECT_EQ("new", read_file(victim()));
}

TEST_F(SharedFolder, SoIsAnothersWhereNotEverybodyMayWrite) {
  ASSERT_EQ(0, ::chmod(shared().c_str(), 01775));
  ASSERT_TRUE(write_atomically(link(victim(), kStranger), "new"));
  EXPECT_EQ("new", read_file(victim()));
}

TEST(WriteAtomically, FollowsChainsOfLinksAndDotsAndEndsInALoop) {
  const TemporaryFolder folder;
  ASSERT_TRUE(std::filesystem::create_directories(folder.file("a/b")));
  ASSERT_TRUE(write_atomically(folder.file("a/real"), "old"));
  ASSERT_EQ(0, ::symlink("a/b/..", folder.file("up").c_str()));
  ASSERT_EQ(0, ::symlink("up/./real", folder.file("link").c_str()));
  ASSERT_TRUE(write_atomically(folder.file("link"), "new"));
  EXPECT_EQ("new", read_file(folder.file("a/real")));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
  ASSERT_EQ(0, ::symlink("loop", folder.file("loop").c_str()));
  EXPECT_FALSE(write_atomically(folder.file("loop"), "new"));
  EXPECT_FALSE(write_atomically(folder.file("a/real/../real"), "x")) << "a file is no folder";
  EXPECT_EQ("new", read_file(folder.file("a/real")));
}

// A file system of 64 KiB on `folder`, seen by this process alone and gone with it.
bool mount_small(const std::string& folder) {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") == 0;
}

TEST(WriteAtomically, KeepsTheOldFileOnAFullDisk) {
  const TemporaryFolder folder;
  const int result = in_child([&] {
    if (!mount_small(folder.path())) return kCannotTry;
    if (!write_atomically(folder.file("a"), "old")) return 2;
    const int said =
        says(write_atomically(folder.file("a"), std::string(1U << 20U, 'x')), "the disk is full");
    const bool kept = read_file(folder.file("a")) == "old" && folder.entries() == 1;
    return kept ? said : 3;
  });
  if (result == kCannotTry) GTEST_SKIP() << "may not mount";
  EXPECT_EQ(0, result);
}

TEST(WriteAtomically, RefusesAReadOnlyDisk) {
  const TemporaryFolder folder;
  const int result = in_child([&] {
    if (!mount_small(folder.path())) return kCannotTry;
    if (::mount(nullptr, folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
      return kCannotTry;
    }
    return says(check_writable(folder.file("a")), "read-only") +
           says(write_atomically(folder.file("a"), "text"), "read-only");
  });
  if (result == kCannotTry) GTEST_SKIP() << "may not mount";
  EXPECT_EQ(0, result);
}

TEST(WriteAtomically, SaysThatTheDiskIsFullForReal) {
  const Status status = write_atomically("/dev/full", "text");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message,
              AllOf(HasSubstr("cannot write /dev/full"), HasSubstr("the disk is full")));
  EXPECT_THAT(status.error().remedy, HasSubstr("free some space"));
}

TEST(WriteAtomically, EscapesAHostilePath) {
  const Status status = check_writable("/none/\x1b[31m/a");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, AllOf(HasSubstr("\\x1b[31m"), Not(HasSubstr("\x1b"))));
}

// The kernel itself refuses to let the file grow: in a child, for the limit is the process'.
TEST(WriteAtomically, KeepsTheOldFileWhenTheNewOneMayNotGrow) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  ASSERT_TRUE(write_atomically(path, "old"));
  const int result = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return kCannotTry;
    return says(write_atomically(path, std::string(100000, 'x')), "larger than");
  });
  EXPECT_EQ(0, result);
  EXPECT_EQ("old", read_file(path));
  EXPECT_EQ(1U, folder.entries());
}

// ---- faults at every step

struct Fault {
  const char* name;
  std::function<void(FileCalls&)> plant;
  const char* says;
};

// GoogleTest names the cases of a list by it.
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, LeaveTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_atomically(folder.file("a"), "old"));
  FileCalls calls = system_file_calls();
  GetParam().plant(calls);
  const Status status = write_atomically(folder.file("a"), "new text", calls);
  ASSERT_FALSE(status);
  EXPECT_EQ(ErrorKind::output, status.error().kind);
  EXPECT_THAT(status.error().message,
              AllOf(HasSubstr(folder.file("a")), HasSubstr(GetParam().says)));
  EXPECT_EQ("old", read_file(folder.file("a")));
  EXPECT_EQ(1U, folder.entries());
}

ssize_t half_then_full(int fd, const void* data, std::size_t size) {
  return size > 4 ? ::write(fd, data, 4) : fail_with(ENOSPC);
}

int close_and_fail(int fd) {
  ::close(fd);
  return fail_with(EDQUOT);
}

INSTANTIATE_TEST_SUITE_P(
    DurableFile, Faults,
    testing::Values(
        Fault{"write_full",
              [](FileCalls& c) { c.write = [](auto...) { return fail_with(ENOSPC); }; },
              "the disk is full"},
        Fault{"write_half", [](FileCalls& c) { c.write = half_then_full; }, "the disk is full"},
        Fault{"write_nothing", [](FileCalls& c) { c.write = [](auto...) { return 0; }; },
              "the disk is full"},
        Fault{"write_quota",
              [](FileCalls& c) { c.write = [](auto...) { return fail_with(EDQUOT); }; }, "quota"},
        Fault{"sync", [](FileCalls& c) { c.sync = [](int) { return fail_with(EIO); }; },
              "Input/output error"},
        Fault{"close", [](FileCalls& c) { c.close = close_and_fail; }, "quota"},
        Fault{"rename", [](FileCalls& c) { c.rename = [](auto...) { return fail_with(EROFS); }; },
              "read-only"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(WriteAtomically, GoesOnAfterInterruptionsAndShortWrites) {
  const TemporaryFolder folder;
  int turn = 0;
  FileCalls calls = system_file_calls();
  calls.write = [&turn](int fd, const void* data, std::size_t size) -> ssize_t {
    if (++turn % 2 == 1) return fail_with(EINTR);
    return ::write(fd, data, std::min<std::size_t>(size, 3));
  };
  ASSERT_TRUE(write_atomically(folder.file("a"), "ten bytes!", calls));
  EXPECT_EQ("ten bytes!", read_file(folder.file("a")));
}

TEST(WriteAtomically, SyncsTheFileBeforeTheRenameAndTheFolderAfter) {
  const TemporaryFolder folder;
  std::vector<std::string> steps;
  FileCalls calls = system_file_calls();
  calls.write = [&](int fd, const void* data, std::size_t size) {
    steps.emplace_back("write");
    return ::write(fd, data, size);
  };
  calls.sync = [&](int fd) {
    struct stat info = {};
    EXPECT_EQ(0, ::fstat(fd, &info));
    steps.emplace_back(S_ISDIR(info.st_mode) ? "sync folder" : "sync file");
    return ::fsync(fd);
  };
  calls.close = [&](int fd) {
    steps.emplace_back("close");
    return ::close(fd);
  };
  calls.rename = [&](const char* from, const char* to) {
    steps.emplace_back("rename");
    return ::rename(from, to);
  };
  ASSERT_TRUE(write_atomically(folder.file("a"), "text", calls));
  EXPECT_THAT(steps, ElementsAre("write", "sync file", "close", "rename", "sync folder"));
}

FileCalls with_folder_sync_failing(int code) {
  FileCalls calls = system_file_calls();
  calls.sync = [code](int fd) {
    struct stat info = {};
    ::fstat(fd, &info);
    return S_ISDIR(info.st_mode) ? fail_with(code) : ::fsync(fd);
  };
  return calls;
}

TEST(WriteAtomically, SaysThatTheFileIsThereWhenOnlyTheFolderCouldNotBeSynced) {
  const TemporaryFolder folder;
  const Status status = write_atomically(folder.file("a"), "text", with_folder_sync_failing(EIO));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("is written but may not survive"));
  EXPECT_EQ("text", read_file(folder.file("a")));
  EXPECT_EQ(1U, folder.entries());
}

TEST(WriteAtomically, AcceptsAFileSystemThatCannotSyncFolders) {
  const TemporaryFolder folder;
  EXPECT_TRUE(write_atomically(folder.file("a"), "text", with_folder_sync_failing(EINVAL)));
}

// ---- readers and crashes

// A text that shows whether it is whole: its length is told by its letter.
std::string whole_text(unsigned turn) {
  return std::string(1 + 500 * (turn % 26), static_cast<char>('a' + turn % 26));
}

bool is_whole(const std::string& text) {
  if (text.empty()) return false;
  return text == whole_text(static_cast<unsigned>(text.front() - 'a'));
}

TEST(WriteAtomically, ShowsReadersOldOrNewButNeverAPart) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  ASSERT_TRUE(write_atomically(path, whole_text(1)));
  FileCalls calls = system_file_calls();
  calls.sync = [](int) { return 0; };  // no part in what readers see, and slow
  std::atomic<bool> done{false};
  std::thread writer([&] {
    constexpr unsigned kWrites = 10000;
    for (unsigned i = 0; i < kWrites; ++i) {
      EXPECT_TRUE(write_atomically(path, whole_text(i), calls));
    }
    done = true;
  });
  std::size_t reads = 0;
  std::size_t torn = 0;
  while (!done || reads == 0) {
    torn += is_whole(read_file(path)) ? 0U : 1U;
    ++reads;
  }
  writer.join();
  EXPECT_EQ(0U, torn) << "of " << reads;
}

TEST(WriteAtomically, LeavesAWholeFileWhenItsProcessIsKilled) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  ASSERT_TRUE(write_atomically(path, whole_text(0)));
  for (unsigned round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (unsigned i = 0;; ++i) {
        if (!write_atomically(path, whole_text(i))) ::_exit(1);
      }
    }
    ::usleep(500 + 700 * round);
    ASSERT_EQ(0, ::kill(child, SIGKILL));
    int state = 0;
    ASSERT_EQ(child, ::waitpid(child, &state, 0));
    EXPECT_TRUE(WIFSIGNALED(state));
    EXPECT_TRUE(is_whole(read_file(path)));
  }
}

TEST(WriteAtomically, TakesWritersOnManyThreads) {
  const TemporaryFolder folder;
  std::vector<std::thread> writers;
  for (unsigned writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&folder, writer] {
      for (int i = 0; i < 25; ++i) {
        EXPECT_TRUE(write_atomically(folder.file("a"), whole_text(writer)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(is_whole(read_file(folder.file("a"))));
  EXPECT_EQ(1U, folder.entries());
}

}  // namespace
}  // namespace sweetspot::store
