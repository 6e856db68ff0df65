#include "app/choosing.hpp"

#include "app/app_test.hpp"

namespace sweetspot::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ChoosingTest : public AppTest {
 protected:
  ChoosingTest() { job_.model_path = model_path(); }

  ChooseJob job_;
};

TEST_F(ChoosingTest, TheFastestOfTheStoredSetThatFits) {
  (void)keep(measured_set());
  const auto chosen = choose(job_, workplace_);
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(profiles::testing::chosen(chosen->set, chosen->choice), "performance");
  EXPECT_THAT(chosen->choice.stale, IsEmpty());
  EXPECT_THAT(chosen->notes, IsEmpty());
  EXPECT_EQ(chosen->live.model, key());
  script("", 6);
  const auto later = choose(job_, workplace_);
  EXPECT_EQ(profiles::testing::chosen(later->set, later->choice), "balanced");
}

TEST_F(ChoosingTest, WithoutASetOneIsPlannedAndSaidToBe) {
  const auto chosen = choose(job_, workplace_);
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(chosen->set.origin, Origin::planned);
  EXPECT_TRUE(chosen->choice.profile);
  EXPECT_THAT(chosen->notes, ElementsAre(HasSubstr("planned, not measured")));
}

TEST_F(ChoosingTest, WithoutAWorkerThereIsNoChoice) {
  workplace_.worker_program = "/no/such/worker";
  EXPECT_THAT(choose(job_, workplace_).error().message, HasSubstr("/no/such/worker"));
}

TEST_F(ChoosingTest, AModelThatIsNotThereIsTheModelsFault) {
  job_.model_path = folder_ + "/none.gguf";
  EXPECT_EQ(choose(job_, workplace_).error().kind, ErrorKind::model);
}

TEST_F(ChoosingTest, ANameThatTheSetLacksIsTheUsersFault) {
  (void)keep(measured_set());
  job_.wanted.profile = "superfast";
  const auto chosen = choose(job_, workplace_);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().kind, ErrorKind::usage);
  EXPECT_THAT(chosen.error().message, HasSubstr("--profile: "));
}

TEST_F(ChoosingTest, TheChosenProfileIsExportedForTheFileAndItsDevice) {
  ProfileSet set = measured_set();
  (void)keep(set);
  const auto chosen = choose(job_, workplace_);
  ASSERT_TRUE(chosen);
  const auto document = export_chosen(std::span(&*chosen, 1), exporting::Format::llama_server);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_THAT(document->text, HasSubstr(key().path));
  EXPECT_THAT(document->text, HasSubstr("33"));
}

TEST_F(ChoosingTest, WhatIsExportedAlthoughLessMemoryIsFasterSaysSo) {
  ProfileSet set = measured_set();
  std::swap(set.profiles[0], set.profiles[1]);
  set.profiles[0].tokens_per_second = Estimate{40, 39.9, 40.1};
  (void)keep(set);
  const auto exported = [&](const char* profile) {
    job_.wanted.profile = profile;
    const auto chosen = choose(job_, workplace_);
    return export_chosen(std::span(&*chosen, 1), exporting::Format::llama_server).value();
  };
  EXPECT_THAT(exported("performance").notes,
              ElementsAre("small: performance is slower than balanced, which takes less memory"));
  EXPECT_THAT(exported("balanced").notes, IsEmpty());
}

TEST(LoaderFor, WhatBecomesAServerIsOne) {
  EXPECT_EQ(loader_for(std::nullopt).program, "llama-server");
  EXPECT_EQ(loader_for(exporting::Format::llama_swap).program, "llama-server");
  EXPECT_EQ(loader_for(exporting::Format::ollama).program, "ollama");
}

}  // namespace
}  // namespace sweetspot::app
