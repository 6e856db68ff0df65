#include "history/index.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <fstream>

#include "history/some_runs.hpp"

namespace sweetspot::history {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Names = std::vector<std::string>;

class TheIndex : public testing::Test {
 protected:
  void SetUp() override {
    keep(data, "old", run_of("zephyr.gguf", "2026-10-01T10:00:00Z"));
    keep(data, "new", run_of("Mistral.gguf", "2026-11-02T10:00:00Z"));
  }

  [[nodiscard]] std::string database() const { return data + "/history.sqlite3"; }

  tests::TemporaryFolder folder;
  std::string data = folder.file("data");
};

TEST_F(TheIndex, ListsTheNewestFirst) {
  EXPECT_THAT(names_in(opened(data)), ElementsAre("new", "old"));
}

TEST_F(TheIndex, PassesOverThePlaceOfARunThatIsBeingMeasured) {
  const std::ofstream place(runs_folder(data) + "/now.json");
  const Index index = opened(data);
  EXPECT_THAT(names_in(index), ElementsAre("new", "old"));
  EXPECT_THAT(*index.unreadable(), IsEmpty());
}

TEST_F(TheIndex, IsEmptyWhereNothingWasMeasured) {
  const Index index = opened(folder.file("other"));
  EXPECT_THAT(names_in(index), IsEmpty());
  EXPECT_TRUE(index.set_aside().empty());
}

TEST_F(TheIndex, SaysOfARunWhatItsFileSays) {
  const Index index = opened(data);
  const sweetspot::Run run = run_of("Mistral.gguf", "2026-11-02T10:00:00Z");
  const RunEntry entry = index.list()->front();
  EXPECT_EQ(entry, entry_of(run, runs_folder(data) + "/new.json"));
  ASSERT_TRUE(run.analysis.optimum);
  const Trial& best = run.results[*run.analysis.optimum];
  EXPECT_EQ(entry.layers, best.layers);
  EXPECT_EQ(entry.tokens_per_second, best.generation->tokens_per_second);
  EXPECT_EQ(entry.model, "Mistral.gguf");
  EXPECT_EQ(entry.machine, "NVIDIA GeForce RTX 4050 Laptop GPU");
}

TEST_F(TheIndex, TakesTheWinnerOfATune) {
  sweetspot::Run run = tests::tuned_run();
  run.started_at = "2026-12-01T10:00:00Z";
  keep(data, "tuned", run);
  const RunEntry entry = opened(data).list()->front();
  EXPECT_EQ(entry.mode, "tune");
  ASSERT_TRUE(run.tune->winner);
  EXPECT_EQ(entry.layers, run.results[*run.tune->winner].layers);
}

TEST_F(TheIndex, Filters) {
  const Index index = opened(data);
  EXPECT_THAT(names_in(index, {.model = "mistral"}), ElementsAre("new"));
  EXPECT_THAT(names_in(index, {.since = "2026-11"}), ElementsAre("new"));
  EXPECT_THAT(names_in(index, {.machine = "rtx 4050"}), ElementsAre("new", "old"));
  EXPECT_THAT(names_in(index, {.machine = "radeon"}), IsEmpty());
  EXPECT_THAT(names_in(index, {.engine = "no such build"}), IsEmpty());
  EXPECT_THAT(names_in(index, {.most = 1}), ElementsAre("new"));
  const std::string fingerprint = index.list()->front().fingerprint;
  ASSERT_FALSE(fingerprint.empty());
  EXPECT_EQ(names_in(index, {.model = fingerprint}).size(), 2U);
}

TEST_F(TheIndex, FollowsFilesThatComeChangeAndGo) {
  EXPECT_THAT(names_in(opened(data)), ElementsAre("new", "old"));
  std::filesystem::remove(runs_folder(data) + "/old.json");
  sweetspot::Run changed = run_of("Mistral.gguf", "2026-11-02T10:00:00Z");
  changed.settings.complete = false;
  keep(data, "new", changed);
  keep(data, "newest", run_of("zephyr.gguf", "2026-11-03T10:00:00Z"));
  const Index index = opened(data);
  EXPECT_THAT(names_in(index), ElementsAre("newest", "new"));
  EXPECT_FALSE(index.find("new")->complete);
}

TEST_F(TheIndex, ReadsOnlyWhatItDoesNotKnow) {
  std::size_t read = 0;
  const auto count = [&](std::size_t, std::size_t of) { read = of; };
  ASSERT_TRUE(Index::open(data, count));
  EXPECT_EQ(read, 2U);
  read = 0;
  ASSERT_TRUE(Index::open(data, count));
  EXPECT_EQ(read, 0U);
}

TEST_F(TheIndex, FindsByNameBeginningPathAndLatest) {
  keep(data, "new-2", run_of("zephyr.gguf", "2026-11-03T10:00:00Z"));
  const Index index = opened(data);
  EXPECT_EQ(index.find("new")->name, "new");
  EXPECT_EQ(index.find("o")->name, "old");
  EXPECT_EQ(index.find(runs_folder(data) + "/old.json")->name, "old");
  EXPECT_EQ(index.find("latest")->name, "new-2");
  EXPECT_THAT(index.find("ne").error().message, HasSubstr("may be"));
  EXPECT_EQ(index.find("none").error().kind, ErrorKind::usage);
  EXPECT_EQ(index.find("n_w").error().kind, ErrorKind::usage) << "no pattern of SQL's";
}

TEST_F(TheIndex, NamesFilesThatAreNoRuns) {
  std::ofstream(runs_folder(data) + "/notes.json") << "{\"schema\": \"mine\"}";
  std::ofstream(runs_folder(data) + "/part.json") << "{\"schema\": \"sweets";
  std::ofstream(runs_folder(data) + "/notes.txt") << "not looked at";
  const Index index = opened(data);
  EXPECT_THAT(names_in(index), ElementsAre("new", "old"));
  const Result<std::vector<Unreadable>> unreadable = index.unreadable();
  ASSERT_TRUE(unreadable);
  ASSERT_EQ(unreadable->size(), 2U);
  EXPECT_THAT(unreadable->front().path, HasSubstr("notes.json"));
  EXPECT_FALSE(unreadable->front().why.empty());
}

TEST_F(TheIndex, KeepsRunsThatLieElsewhere) {
  const std::string path = folder.file("mine.json");
  ASSERT_TRUE(store::save_run(path, run_of("zephyr.gguf", "2026-11-05T10:00:00Z")));
  Index index = opened(data);
  ASSERT_TRUE(index.add(path));
  ASSERT_TRUE(index.add(path));
  EXPECT_THAT(names_in(index), ElementsAre("mine", "new", "old"));
  EXPECT_THAT(names_in(opened(data)), ElementsAre("mine", "new", "old"));
  EXPECT_EQ(index.add(folder.file("none.json")).error().kind, ErrorKind::usage);
}

TEST_F(TheIndex, RemovesItsOwnFilesAndNobodyElses) {
  const std::string elsewhere = folder.file("mine.json");
  ASSERT_TRUE(store::save_run(elsewhere, run_of("zephyr.gguf", "2026-11-05T10:00:00Z")));
  Index index = opened(data);
  ASSERT_TRUE(index.add(elsewhere));
  EXPECT_EQ(index.remove(*index.find("mine")), false);
  EXPECT_EQ(index.remove(*index.find("old")), true);
  EXPECT_THAT(names_in(index), ElementsAre("new"));
  EXPECT_TRUE(std::filesystem::exists(elsewhere));
  EXPECT_FALSE(std::filesystem::exists(runs_folder(data) + "/old.json"));
}

TEST_F(TheIndex, HostileTextStaysText) {
  sweetspot::Run run = run_of(tests::hostile_text(), "2026-11-05T10:00:00Z");
  run.model.path = "/models/'; DROP TABLE runs; --";
  keep(data, "x'); DROP TABLE runs; --", run);
  const Index index = opened(data);
  EXPECT_THAT(names_in(index), ElementsAre("x'); DROP TABLE runs; --", "new", "old"));
  EXPECT_EQ(index.find("x'); DROP TABLE runs; --")->model, "'; DROP TABLE runs; --");
}

// ---- what is damaged

void damage(const std::string& path, std::uint64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes;
}

TEST_F(TheIndex, IsMadeAgainWhereItIsDamaged) {
  const Names whole = {"new", "old"};
  const std::uint64_t size = [&] {
    names_in(opened(data));
    return std::filesystem::file_size(database());
  }();
  std::size_t damaged = 0;
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{100}, size / 2}) {
    damage(database(), offset, std::string(512, '\xff'));
    const Index index = opened(data);
    EXPECT_EQ(names_in(index), whole) << offset;
    if (!index.set_aside().empty()) {
      ++damaged;
      EXPECT_TRUE(std::filesystem::exists(index.set_aside())) << index.set_aside();
      EXPECT_THAT(index.set_aside(), HasSubstr("history.sqlite3.damaged-"));
    }
  }
  EXPECT_GE(damaged, 2U);
}

TEST_F(TheIndex, IsMadeAgainWhereItIsCutShort) {
  names_in(opened(data));
  std::filesystem::resize_file(database(), 5000);
  const Index index = opened(data);
  EXPECT_EQ(names_in(index), (Names{"new", "old"}));
  EXPECT_FALSE(index.set_aside().empty());
}

TEST_F(TheIndex, OfANewerSweetspotIsNotTouched) {
  names_in(opened(data));
  SQLite::Database(database(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  const Result<Index> index = Index::open(data);
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().kind, ErrorKind::output);
  EXPECT_THAT(index.error().message, HasSubstr("newer sweetspot"));
  EXPECT_EQ(SQLite::Database(database()).execAndGet("PRAGMA user_version").getInt(), 99);
}

TEST_F(TheIndex, InAFolderThatCannotBeMadeIsAnErrorThatNamesIt) {
  std::ofstream(folder.file("file")) << "x";
  const Result<Index> index = Index::open(folder.file("file") + "/data");
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().kind, ErrorKind::output);
  EXPECT_THAT(index.error().message, HasSubstr("/file"));
}

}  // namespace
}  // namespace sweetspot::history
