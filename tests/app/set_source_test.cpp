#include "app/set_source.hpp"

#include "app/app_test.hpp"
#include "app/workload_presets.hpp"
#include "ground/bytes.hpp"
#include "profiles/sets.hpp"

namespace sweetspot::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SetSourceTest : public AppTest {
 protected:
  SetSourceTest() {
    source_.model_path = model_path();
    source_.key = key();
  }

  Result<std::optional<FoundSet>> stored() { return stored_set(source_, workplace_, notes_); }

  [[nodiscard]] LiveMachine live() const {
    LiveMachine live = profiles::testing::live_card(kGiB);
    live.environment.reset();
    live.model = key();
    return live;
  }

  SetSource source_;
  std::vector<std::string> notes_;
};

TEST_F(SetSourceTest, NothingIsStoredWithoutAFolderOrASet) {
  EXPECT_EQ(stored()->has_value(), false);
  workplace_.data_folder.clear();
  EXPECT_EQ(stored()->has_value(), false);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(SetSourceTest, TheStoredSetIsFoundWithItsPath) {
  const std::string path = keep(measured_set());
  const auto found = stored();
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->path, path);
  EXPECT_EQ((*found)->set.profiles.size(), 4U);
  source_.connection.rpc = {"127.0.0.1:50052"};
  EXPECT_EQ(stored()->has_value(), false) << "with other servers it is another machine";
}

TEST_F(SetSourceTest, WhatCannotBeReadIsSaid) {
  const std::string path = keep(measured_set());
  std::ofstream(path) << "{";
  EXPECT_EQ(stored()->has_value(), false);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("stored profiles are not used: ")));
}

TEST_F(SetSourceTest, OtherRequestsThatWereMeasuredAreSaid) {
  ProfileSet chat = measured_set();
  chat.workload = workload_presets()[0].workload;
  ProfileSet rag = measured_set();
  rag.workload = workload_presets()[1].workload;
  rag.created_at = "2026-11-30T13:00:00Z";
  (void)keep(chat);
  (void)keep(rag);
  EXPECT_EQ((*stored())->set.workload, rag.workload) << "the newest, where nobody asks";
  EXPECT_THAT(notes_, ElementsAre(testing::AllOf(HasSubstr("chosen for rag ("),
                                                 HasSubstr("are kept for chat ("))));
  source_.wanted.workload = chat.workload;
  EXPECT_EQ((*stored())->set.workload, chat.workload);
}

TEST_F(SetSourceTest, RequestsThatNobodyMeasuredAreAnError) {
  (void)keep(measured_set());
  source_.wanted.workload = Workload{1, 2, 3};
  const auto found = stored();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::usage);
  EXPECT_THAT(found.error().message, HasSubstr("1 prompt and 2 generated tokens"));
  EXPECT_THAT(found.error().remedy, HasSubstr("or take 512 prompt and 128 generated tokens"));
}

TEST_F(SetSourceTest, AMeasuredSetIsKeptAsLongAsItCanBeUsed) {
  std::optional<FoundSet> found;
  EXPECT_TRUE(must_plan(found, live(), 0, notes_));
  found = FoundSet{measured_set(), ""};
  EXPECT_FALSE(must_plan(found, live(), 1'000'000, notes_)) << "whatever context is asked for";
  EXPECT_THAT(notes_, IsEmpty());
  LiveMachine larger = live();
  larger.devices[0].memory_total_bytes = 24 * kGiB;
  EXPECT_TRUE(must_plan(found, larger, 0, notes_));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("the measured profiles are not used any more")));
}

TEST_F(SetSourceTest, APlanIsMadeAgainWhereAnythingChangedOrTheContextIsTooShort) {
  FoundSet planned{measured_set(), ""};
  planned.set.origin = Origin::planned;
  EXPECT_FALSE(must_plan(planned, live(), 8192, notes_)) << "cpu_fallback has so much";
  EXPECT_TRUE(must_plan(planned, live(), 8193, notes_));
  LiveMachine changed = live();
  changed.llama_cpp = "another";
  planned.set.fingerprint.llama_cpp = "one";
  EXPECT_TRUE(must_plan(planned, changed, 0, notes_));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(SetSourceTest, APlanIsKeptForTheNextTime) {
  const auto planned = plan_now(source_, workplace_);
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(planned->set.origin, Origin::planned);
  EXPECT_EQ(planned->path, store::profile_set_path(workplace_.data_folder, key(), {}));
  EXPECT_EQ(store::load_profile_set(planned->path).value().model, planned->set.model);
}

TEST_F(SetSourceTest, APlanIsNotKeptWhereNobodyWantsIt) {
  source_.keep_plan = false;
  ASSERT_TRUE(plan_now(source_, workplace_));
  EXPECT_FALSE(std::filesystem::exists(workplace_.data_folder + "/profiles"));
}

TEST_F(SetSourceTest, APlanForALongContextIsNoAnswerToTheNextQuestion) {
  source_.wanted.min_ctx = ContextSettings{}.n_ctx * 2;
  ::setenv("SWEETSPOT_SCRIPT", R"({"model": {"n_ctx_train": 100000}})", 1);
  const auto planned = plan_now(source_, workplace_);
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_GE(planned->set.profiles.front().config.context.n_ctx, source_.wanted.min_ctx);
  EXPECT_FALSE(std::filesystem::exists(workplace_.data_folder + "/profiles"));
}

TEST_F(SetSourceTest, MoreContextThanTheModelTakesIsTheUsersFault) {
  source_.wanted.min_ctx = 1'000'000;
  const auto planned = plan_now(source_, workplace_);
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().kind, ErrorKind::usage);
  EXPECT_THAT(planned.error().message, HasSubstr("--min-ctx 1000000"));
}

}  // namespace
}  // namespace sweetspot::app
