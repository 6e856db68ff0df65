#include "store/profile_set_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "core/json.hpp"
#include "golden/sample_set.hpp"
#include "store/file_lock.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::measured_set;
using tests::read_file;
using tests::TemporaryFolder;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

LoadReport report_of(const std::string& at) {
  return {"fast", LoadResult::loaded, "CUDA0", std::uint64_t{7}, std::uint64_t{5}, at};
}

// ---- loading and saving

TEST(ProfileSetFile, GivesBackWhatWasSavedAndMakesTheFolder) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a/b/set.json");
  ASSERT_TRUE(save_profile_set(path, measured_set()));
  const auto set = load_profile_set(path);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(*set, measured_set());
}

TEST(ProfileSetFile, SaysThatThereIsNone) {
  const TemporaryFolder folder;
  const auto set = load_profile_set(folder.file("none.json"));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, ErrorKind::output);
  EXPECT_THAT(set.error().message, HasSubstr("there is no profile set"));
  EXPECT_FALSE(add_report(folder.file("none.json"), report_of("now")));
  EXPECT_FALSE(remove_profile_set(folder.file("none.json")));
  EXPECT_EQ(folder.entries(), 0U) << "a refusal leaves nothing behind";
}

TEST(ProfileSetFile, NeverTouchesWhatANewerVersionWrote) {
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  for (const char* schema : {"sweetspot.profiles/2", "sweetspot.profiles/10",
                             "sweetspot.profiles/1.1", "sweetspot.profiles/99999999999999999999"}) {
    Json json = to_json(measured_set());
    json["schema"] = schema;
    json["something_new"] = {1, 2, 3};
    const std::string text = dump(json);
    write_file(path, text);
    const auto loaded = load_profile_set(path);
    ASSERT_FALSE(loaded) << schema;
    EXPECT_THAT(loaded.error().message, AllOf(HasSubstr("newer sweetspot"), HasSubstr(schema)));
    const Status saved = save_profile_set(path, measured_set());
    ASSERT_FALSE(saved) << schema;
    EXPECT_EQ(saved.error().kind, ErrorKind::output);
    EXPECT_THAT(saved.error().message, HasSubstr("newer sweetspot"));
    EXPECT_FALSE(add_report(path, report_of("now")));
    EXPECT_EQ(read_file(path), text);
  }
}

TEST(ProfileSetFile, SaysWhatIsDamagedAndOnlyANewSetReplacesIt) {
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  const std::string good = dump(to_json(measured_set()));
  for (const std::string& text :
       {std::string(), std::string("not json"), std::string("[]"), std::string("{}"),
        std::string(R"({"schema": 1})"), std::string(R"({"schema":"sweetspot.run/1"})"),
        std::string(R"({"schema":"sweetspot.profiles/0"})"),
        std::string(R"({"schema":"sweetspot.profiles/1"})"), good.substr(0, good.size() / 2)}) {
    write_file(path, text);
    const auto loaded = load_profile_set(path);
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().kind, ErrorKind::output);
    EXPECT_THAT(loaded.error().message, AllOf(HasSubstr(path), HasSubstr("no whole profile set"),
                                              Not(HasSubstr("json.exception"))));
    EXPECT_FALSE(loaded.error().remedy.empty());
    EXPECT_FALSE(add_report(path, report_of("now"))) << text;
    EXPECT_EQ(read_file(path), text) << "a report does not replace it";
    ASSERT_TRUE(save_profile_set(path, measured_set()));
    EXPECT_TRUE(load_profile_set(path));
  }
}

TEST(ProfileSetFile, DoesNotWriteWhatItCouldNotReadBack) {
  const TemporaryFolder folder;
  ProfileSet set = measured_set();
  set.profiles[1].name = set.profiles[0].name;
  const Status saved = save_profile_set(folder.file("set.json"), set);
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().kind, ErrorKind::internal);
  EXPECT_THAT(saved.error().message, HasSubstr("two profiles have one name"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("set.json")));
}

TEST(ProfileSetFile, ReadsNoFoldersAndWaitsForNoFifo) {
  const TemporaryFolder folder;
  EXPECT_THAT(load_profile_set(folder.path()).error().message, HasSubstr("not a file"));
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(load_profile_set(folder.file("fifo")).error().message, HasSubstr("not a file"));
}

TEST(ProfileSetFile, AFullDiskLeavesTheOldSet) {
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  ASSERT_TRUE(save_profile_set(path, measured_set()));
  FileCalls full = system_file_calls();
  full.write = [](int, const void*, std::size_t) -> ssize_t {
    errno = ENOSPC;
    return -1;
  };
  const Status saved = save_profile_set(path, tests::planned_set(), full);
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().kind, ErrorKind::output);
  EXPECT_THAT(saved.error().message, HasSubstr("full"));
  EXPECT_THAT(saved.error().remedy, HasSubstr("XDG_DATA_HOME"));
  EXPECT_EQ(*load_profile_set(path), measured_set());
}

TEST(ProfileSetFile, TheOldSetDecidesWhetherItIsReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  const auto written = update_profile_set(path, [](const ProfileSet* old) {
    EXPECT_EQ(old, nullptr);
    return std::optional<ProfileSet>(measured_set());
  });
  ASSERT_TRUE(written);
  EXPECT_TRUE(*written);
  const auto kept = update_profile_set(path, [](const ProfileSet* old) {
    EXPECT_EQ(*old, measured_set());
    return std::optional<ProfileSet>();
  });
  ASSERT_TRUE(kept);
  EXPECT_FALSE(*kept);
  EXPECT_EQ(*load_profile_set(path), measured_set());
}

TEST(ProfileSetFile, ListsTheSetsOfAFolderWithTheirFaults) {
  const TemporaryFolder folder;
  EXPECT_THAT(list_profile_sets(folder.path()), IsEmpty());
  ASSERT_TRUE(save_profile_set(folder.file("profiles/b.json"), measured_set()));
  write_file(folder.file("profiles/a.json"), "not json");
  write_file(folder.file("profiles/notes.txt"), "mine");
  const auto sets = list_profile_sets(folder.path());
  ASSERT_EQ(sets.size(), 2U);
  EXPECT_EQ(sets[0].path, folder.file("profiles/a.json"));
  EXPECT_FALSE(sets[0].set);
  EXPECT_EQ(*sets[1].set, measured_set());
  ASSERT_TRUE(remove_profile_set(sets[1].path));
  EXPECT_EQ(list_profile_sets(folder.path()).size(), 1U);
}

TEST(ProfileSetFile, RemovesTheTemporaryFilesOfTheDeadAndNoOthers) {
  const TemporaryFolder folder;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const std::string left = folder.file(".sweetspot-" + std::to_string(dead) + "-0.tmp");
  const std::string living = folder.file(".sweetspot-" + std::to_string(::getppid()) + "-0.tmp");
  const std::string strange = folder.file(".sweetspot-x-0.tmp");
  for (const std::string& path : {left, living, strange}) write_file(path, "half");
  ASSERT_TRUE(save_profile_set(folder.file("set.json"), measured_set()));
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(living));
  EXPECT_TRUE(std::filesystem::exists(strange));
}

// ---- reports

TEST(ProfileSetFile, KeepsTheNewestReports) {
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  ProfileSet set = measured_set();
  set.reports.clear();
  ASSERT_TRUE(save_profile_set(path, set));
  for (std::size_t i = 0; i < kKeptReports + 3; ++i) {
    ASSERT_TRUE(add_report(path, report_of(std::to_string(i))));
  }
  const auto loaded = load_profile_set(path);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->reports.size(), kKeptReports);
  EXPECT_EQ(loaded->reports.front().at, "3");
  EXPECT_EQ(loaded->reports.back(), report_of(std::to_string(kKeptReports + 2)));
  set.reports = loaded->reports;
  EXPECT_EQ(*loaded, set) << "nothing else changes";
}

TEST(ProfileSetFile, ReportsOfSeveralProcessesAreAllKept) {
  constexpr int kProcesses = 4;
  constexpr int kEach = 8;  // together as many as are kept
  static_assert(kProcesses * kEach == kKeptReports);
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  ProfileSet set = measured_set();
  set.reports.clear();
  ASSERT_TRUE(save_profile_set(path, set));
  std::vector<pid_t> children;
  children.reserve(kProcesses);
  for (int process = 0; process < kProcesses; ++process) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    for (int i = 0; i < kEach; ++i) {
      if (!add_report(path, report_of(std::to_string(process * kEach + i)))) ::_exit(1);
    }
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = 1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  const auto loaded = load_profile_set(path);
  ASSERT_TRUE(loaded);
  std::vector<std::string> seen;
  seen.reserve(loaded->reports.size());
  for (const LoadReport& report : loaded->reports) seen.push_back(report.at);
  std::vector<std::string> expected;
  expected.reserve(kKeptReports);
  for (int i = 0; i < kProcesses * kEach; ++i) expected.push_back(std::to_string(i));
  EXPECT_THAT(seen, testing::UnorderedElementsAreArray(expected));
}

TEST(FolderLock, GivesUpWhenAnotherHoldsItForTooLong) {
  const TemporaryFolder folder;
  const auto first = FolderLock::take(folder.path());
  ASSERT_TRUE(first);
  const auto second = FolderLock::take(folder.path(), std::chrono::milliseconds{20});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::output);
  EXPECT_THAT(second.error().message, HasSubstr("another process"));
}

// A thread that is overtaken again and again waits for longer than it may, and what it has to write
// is lost.
TEST(FolderLock, GoesToThreadsInTheOrderInWhichTheyAsked) {
  const TemporaryFolder folder;
  for (int round = 0; round < 12; ++round) {
    std::mutex mutex;
    std::vector<int> order;
    std::vector<std::thread> threads;
    {
      const auto held = FolderLock::take(folder.path());
      ASSERT_TRUE(held);
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&, i] {
          const auto lock = FolderLock::take(folder.path());
          const std::lock_guard<std::mutex> guard(mutex);
          if (lock) order.push_back(i);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds{7});
      }
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(order, testing::ElementsAre(0, 1, 2)) << "round " << round;
  }
}

TEST(FolderLock, IsFreeAgainWhenItsHolderIsGone) {
  const TemporaryFolder folder;
  { const auto first = FolderLock::take(folder.path()); }
  EXPECT_TRUE(FolderLock::take(folder.path(), std::chrono::milliseconds{0}));
}

// ---- hostile files

// A change of the text as damage, or as an attacker would do it.
void mutate(std::string& text, std::mt19937& random) {
  static const std::vector<std::string> kPieces = {
      "null",    "-1",       "1e999",   "[]",  "{}", "\"\"", "18446744073709551616",
      "\\ud800", "[[[[[[[[", "NaN",     "1.5", "\"", "true", ",",
      "}",       "\xff\xfe", "\"fast\""};
  const auto below = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  const std::size_t at = below(text.size());
  switch (below(5)) {
    case 0:
      text[at] = static_cast<char>(below(256));
      break;
    case 1:
      text.erase(at, 1 + below(40));
      break;
    case 2:
      text.insert(at, kPieces[below(kPieces.size())]);
      break;
    case 3: {  // a value by another one
      const std::size_t colon = text.find(": ", at);
      if (colon == std::string::npos) break;
      const std::size_t end = text.find_first_of(",\n", colon);
      text.replace(colon + 2, end - colon - 2, kPieces[below(kPieces.size())]);
      break;
    }
    default: {  // a part by another part
      const std::string part = text.substr(below(text.size()), below(200));
      text.replace(at, std::min<std::size_t>(part.size(), text.size() - at), part);
    }
  }
}

TEST(ProfileSetFile, AnyTextIsASetOrARefusal) {
  constexpr int kTexts = 4000;
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  const std::string good = dump(to_json(measured_set()), 2);
  std::mt19937 random(20261124);  // NOLINT(cert-msc51-cpp): the same texts every time
  int refused = 0;
  int read = 0;
  for (int i = 0; i < kTexts; ++i) {
    std::string text = good;
    const int changes = 1 + i % 3;
    for (int change = 0; change < changes; ++change) mutate(text, random);
    write_file(path, text);
    const auto set = load_profile_set(path);
    if (!set) {
      EXPECT_THAT(set.error().message, HasSubstr(path));
      ++refused;
      continue;
    }
    ++read;
    // What is accepted is whole: it can be written and read again.
    const auto again = guard([&] { return profile_set_from_json(to_json(*set)); }, "set");
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(*again, *set) << text;
  }
  EXPECT_GT(refused, kTexts / 4);
  EXPECT_GT(read, kTexts / 100);
}

TEST(ProfileSetFile, DepthAndSizeDoNoHarm) {
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  write_file(path, std::string(2'000'000, '['));
  EXPECT_FALSE(load_profile_set(path));
  std::string nested = R"({"schema":"sweetspot.profiles/1","model":)";
  for (int i = 0; i < 300'000; ++i) nested += R"({"a":)";
  nested += "1" + std::string(300'001, '}');
  write_file(path, nested);
  EXPECT_FALSE(load_profile_set(path));
  write_file(path, "");
  std::filesystem::resize_file(path, 1ULL << 40U);
  EXPECT_THAT(load_profile_set(path).error().message, HasSubstr("too large"));
}

// ---- a writer that is killed

// Writes two sets in turn until it is killed.
[[noreturn]] void write_for_ever(const std::string& path, const ProfileSet& one,
                                 const ProfileSet& other) {
  while (true) {
    if (!save_profile_set(path, one) || !save_profile_set(path, other)) ::_exit(1);
  }
}

std::size_t temporary_files(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".tmp") ++count;
  }
  return count;
}

TEST(ProfileSetFile, AWriterKilledAtAnyMomentLeavesAWholeSet) {
  constexpr int kKills = 1000;
  const TemporaryFolder folder;
  const std::string path = folder.file("set.json");
  ProfileSet one = measured_set();
  ProfileSet other = measured_set();
  other.created_at = "2026-11-25T00:00:00Z";
  other.profiles[0].evidence = std::string(60000, 'x');  // several writes' worth
  // Killed at any moment of its first rounds, however long one takes here.
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(save_profile_set(path, other) && save_profile_set(path, one));
  const std::chrono::duration<double, std::micro> round = std::chrono::steady_clock::now() - start;
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp)
  std::uniform_int_distribution<int> moment_us(0, std::max(4000, static_cast<int>(round.count())));
  std::size_t most_left = 0;
  std::size_t interrupted = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    std::array<int, 2> started = {-1, -1};
    ASSERT_EQ(::pipe(started.data()), 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
      if (::write(started[1], "w", 1) != 1) ::_exit(1);
      write_for_ever(path, one, other);
    }
    // A slow fork must not use up the time in which it is killed.
    char byte = 0;
    ASSERT_EQ(::read(started[0], &byte, 1), 1);
    ::close(started[0]);
    ::close(started[1]);
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::microseconds(moment_us(random));
    do {
      const auto seen = load_profile_set(path);
      ASSERT_TRUE(seen) << seen.error().message;
      ASSERT_TRUE(*seen == one || *seen == other);
    } while (std::chrono::steady_clock::now() < end);
    ASSERT_EQ(::kill(writer, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself: a write failed";
    const auto left = load_profile_set(path);
    ASSERT_TRUE(left && (*left == one || *left == other));
    const std::size_t temporary = temporary_files(folder.path());
    most_left = std::max(most_left, temporary);
    interrupted += temporary;
  }
  EXPECT_LE(most_left, 1U) << "the next write removes what a killed one left";
  EXPECT_GT(interrupted, 10U) << "hardly any writer was killed while it wrote";
  ASSERT_TRUE(save_profile_set(path, one));
  EXPECT_EQ(temporary_files(folder.path()), 0U);
}

// ---- which set is whose

class ModelFiles : public testing::Test {
 protected:
  std::string model(const std::string& name, const std::string& text) {
    write_file(folder_.file(name), text);
    return folder_.file(name);
  }
  TemporaryFolder folder_;
};

std::string ends_of(const std::string& head, const std::string& tail, std::size_t size = 300000) {
  std::string text(size, '.');
  text.replace(0, head.size(), head);
  text.replace(text.size() - tail.size(), tail.size(), tail);
  return text;
}

TEST_F(ModelFiles, ARenamedCopyHasTheSameKeyAndOtherBytesAnother) {
  const auto key = model_key(model("a.gguf", ends_of("head", "tail")));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->size_bytes, 300000U);
  EXPECT_EQ(key->path, folder_.file("a.gguf"));
  EXPECT_THAT(key->digest, testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_TRUE(key->same_model(*model_key(model("b.gguf", ends_of("head", "tail")))));
  for (const std::string& other : {ends_of("Head", "tail"), ends_of("head", "tai1"),
                                   ends_of("head", "tail", 300001), std::string()}) {
    EXPECT_FALSE(key->same_model(*model_key(model("c.gguf", other)))) << other.size();
  }
}

TEST_F(ModelFiles, AFirstSplitBringsTheOthers) {
  const std::string first = model("m-00001-of-00003.gguf", "one");
  model("m-00002-of-00003.gguf", "two!");
  const auto incomplete = model_key(first);
  ASSERT_FALSE(incomplete);
  EXPECT_EQ(incomplete.error().kind, ErrorKind::model);
  EXPECT_THAT(incomplete.error().message, HasSubstr("m-00003-of-00003.gguf"));
  model("m-00003-of-00003.gguf", "three");
  const auto key = model_key(first);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->size_bytes, 12U);
  EXPECT_EQ(key->path, first);
  model("m-00003-of-00003.gguf", "thr33");
  EXPECT_FALSE(model_key(first)->same_model(*key));
  EXPECT_EQ(model_key(model("m-00001-of-000x3.gguf", "one"))->size_bytes, 3U) << "no split";
}

TEST_F(ModelFiles, WhatIsNoFileIsAnErrorOfTheModel) {
  for (const std::string& path : {folder_.file("none.gguf"), folder_.path(), std::string()}) {
    const auto key = model_key(path);
    ASSERT_FALSE(key) << path;
    EXPECT_EQ(key.error().kind, ErrorKind::model);
  }
}

TEST_F(ModelFiles, ThePathOfASetKnowsTheModelAndTheMachineOnly) {
  ModelKey key{"/models/a.gguf", 5, "0123456789abcdef"};
  const std::string path = profile_set_path("/data", key, {});
  EXPECT_THAT(path, testing::MatchesRegex("/data/profiles/0123456789abcdef-[0-9a-f]{8}\\.json"));
  key.path = "/elsewhere/b.gguf";
  EXPECT_EQ(profile_set_path("/data", key, {}), path);
  EXPECT_NE(profile_set_path("/data", key, {"a:1"}), path);
  EXPECT_NE(profile_set_path("/data", key, {"a:1", "b:2"}),
            profile_set_path("/data", key, {"b:2", "a:1"}))
      << "their order names the devices";
  key.digest = "0123456789abcdee";
  EXPECT_NE(profile_set_path("/data", key, {}), path);
}

TEST_F(ModelFiles, WhatWasMeasuredForOtherRequestsLiesElsewhere) {
  const ProfileSet set = tests::measured_set();
  const std::string place = place_of("/data", set);
  const std::string plain = profile_set_path("/data", set.model, set.rpc);
  EXPECT_EQ(place.find(plain.substr(0, plain.size() - std::string(".json").size())), 0U);
  const std::vector<void (*)(ProfileSet&)> changes = {
      [](ProfileSet& one) { one.workload.n_prompt = 1; },
      [](ProfileSet& one) { one.workload.n_depth = 1; },
      [](ProfileSet& one) { one.workload.n_parallel = 4; },
      [](ProfileSet& one) { one.objective = Objective::energy; },
      [](ProfileSet& one) { one.profiles.front().config.context.n_ctx = 1 << 20; }};
  for (const auto& change : changes) {
    ProfileSet other = set;
    change(other);
    EXPECT_NE(place_of("/data", other), place);
  }
  ProfileSet planned = set;
  planned.origin = Origin::planned;
  EXPECT_EQ(place_of("/data", planned), plain);
}

TEST_F(ModelFiles, AllSetsOfAModelAreFound) {
  ProfileSet chat = tests::measured_set();
  ProfileSet rag = chat;
  rag.workload.n_prompt = 2048;
  ProfileSet other = chat;
  other.model.digest = "fedcba9876543210";
  for (const ProfileSet& set : {chat, rag, other}) {
    ASSERT_TRUE(save_profile_set(place_of(folder_.path(), set), set));
  }
  const auto found = profile_sets_of(folder_.path(), chat.model, chat.rpc);
  ASSERT_EQ(found.size(), 2U);
  for (const StoredSet& stored : found) {
    ASSERT_TRUE(stored.set);
    EXPECT_EQ(stored.set->model.digest, chat.model.digest);
  }
  EXPECT_TRUE(profile_sets_of(folder_.path(), chat.model, {"127.0.0.1:1"}).empty());
}

TEST_F(ModelFiles, TheDataFolderIsTheUsers) {
  // In a child: the environment belongs to the whole test program.
  const auto folder_with = [](const char* data, const char* home) {
    data == nullptr ? ::unsetenv("XDG_DATA_HOME") : ::setenv("XDG_DATA_HOME", data, 1);
    home == nullptr ? ::unsetenv("HOME") : ::setenv("HOME", home, 1);
    return user_data_folder();
  };
  const pid_t child = ::fork();
  if (child == 0) {
    const bool right = folder_with("/data", "/home/a") == "/data/sweetspot" &&
                       folder_with("", "/home/a") == "/home/a/.local/share/sweetspot" &&
                       folder_with("relative", "/home/a") == "/home/a/.local/share/sweetspot" &&
                       folder_with(nullptr, "relative").empty() &&
                       folder_with(nullptr, nullptr).empty();
    ::_exit(right ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sweetspot::store
