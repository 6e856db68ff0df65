// The screens that a user is left with: golden at 80 and 130 columns, with colour and in ASCII; and
// what holds for all of them whatever the run says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>

#include "core/charset.hpp"
#include "golden/sample_run.hpp"
#include "golden/sample_set.hpp"
#include "ground/bytes.hpp"
#include "plan/sample_plan.hpp"
#include "report/choice_report.hpp"
#include "report/devices_table.hpp"
#include "report/plan_screen.hpp"
#include "report/profile_screen.hpp"
#include "report/screen.hpp"
#include "report/texts.hpp"
#include "report/tune_screen.hpp"

namespace sweetspot::report {
namespace {

using sweetspot::tests::adaptive_run;
using sweetspot::tests::expect_golden;
using sweetspot::tests::hostile_text;
using sweetspot::tests::measured_set;
using sweetspot::tests::mission_run;
using sweetspot::tests::planned_set;
using sweetspot::tests::troubled_run;
using sweetspot::tests::tuned_run;
using test::line_with;
using test::lines_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Screen = std::function<std::string(const Style&)>;

constexpr int kBelow = 3;
constexpr Style kNarrow{false, 80};

const std::vector<std::string> kCommand = {"llama-server", "-m zephyr-7b-beta.Q5_K_M.gguf",
                                           "-ngl 33",      "-c 4096",
                                           "-b 2048",      "-ub 512",
                                           "-np 1",        "-cram 8192",
                                           "--fit off"};

// What a process without UTF-8 prints; the setting holds for the rest of a process.
std::string in_ascii(const Screen& screen) {
  std::array<int, 2> ends{};
  EXPECT_EQ(0, pipe(ends.data()));
  const pid_t child = fork();
  if (child == 0) {
    use_ascii_text();
    const std::string text = screen(kNarrow);
    const bool whole = write(ends[1], text.data(), text.size()) == ssize_t(text.size());
    _exit(whole ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 4096> block{};
  for (ssize_t n = 0; (n = read(ends[0], block.data(), block.size())) > 0;) {
    text.append(block.data(), std::size_t(n));
  }
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(0, status);
  return text;
}

std::string in_every_style(const Screen& screen) {
  return "==== 80 columns\n" + screen(kNarrow) + "==== 130 columns\n" + screen({false, 130}) +
         "==== 80 columns, colour\n" + screen({true, 80}) + "==== 80 columns, ASCII\n" +
         in_ascii(screen);
}

Screen profile_of(const sweetspot::Run& run) {
  return [run](const Style& style) { return profile_screen(run, kCommand, kBelow, style); };
}

Screen tune_of(const sweetspot::Run& run) {
  return [run](const Style& style) { return tune_screen(run, kCommand, kBelow, style); };
}

Screen plan_of(const plan::PlanRecord& record) {
  return [record](const Style& style) { return plan_screen(record, kCommand, style); };
}

ChoiceView view_of(const ProfileSet& set) {
  ChoiceView view;
  view.set = &set;
  view.workload = "chat";
  view.command = kCommand;
  view.model = "zephyr-7b-beta.Q5_K_M.gguf";
  view.reason = "a reason";
  for (const SavedProfile& profile : set.profiles) {
    view.rows.push_back({&profile, ChoiceState::fits, ""});
  }
  view.rows[0] = {&set.profiles[0], ChoiceState::passed,
                  "it needs 5.20 GiB of CUDA0, which has 4.90"};
  view.rows[1].state = ChoiceState::chosen;
  view.free = {{"CUDA0", std::uint64_t{4900 * kMiB}}};
  view.stale = {"the driver was 550.54, is 560.35"};
  return view;
}

std::vector<DeviceRow> two_devices() {
  DeviceRow card{"CUDA0",
                 "NVIDIA GeForce RTX 4050 Laptop GPU",
                 "CUDA",
                 Absence{"not asked"},
                 6 * kGiB,
                 300 * kMiB,
                 6 * kGiB - 300 * kMiB,
                 "nvml v2",
                 true};
  DeviceRow cpu{"CPU",     "Some processor", "CPU", Absence{"none"}, 16 * kGiB, 4 * kGiB,
                12 * kGiB, "/proc/meminfo",  false};
  return {card, cpu};
}

Screen devices_of(const std::vector<DeviceRow>& rows, const std::vector<std::string>& notes) {
  return [=](const Style& style) { return devices_screen(rows, notes, style); };
}

// ---- golden

TEST(GoldenScreen, OfAProfile) {
  expect_golden("screen_profile.txt", in_every_style(profile_of(adaptive_run())));
}

TEST(GoldenScreen, OfATune) {
  expect_golden("screen_tune.txt", in_every_style(tune_of(tuned_run())));
}

TEST(GoldenScreen, OfAPlan) {
  expect_golden("screen_plan.txt", in_every_style(plan_of(plan::fake::short_of_memory())));
}

TEST(GoldenScreen, OfAChoice) {
  const ProfileSet set = measured_set();
  expect_golden("screen_choose.txt", in_every_style([&](const Style& style) {
                  return choice_screen(view_of(set), style);
                }));
}

TEST(GoldenScreen, OfDevices) {
  expect_golden("screen_devices.txt",
                in_every_style(devices_of(two_devices(), {"Vulkan0 is the card that CUDA0 is"})));
}

// ---- all of them

struct AScreen {
  Screen screen;
  int lines_below = 0;  // that the command prints after it
};

std::vector<AScreen> every_screen() {
  sweetspot::Run noisy = adaptive_run();
  noisy.notices.assign(20,
                       "A notice that is long enough to need more than one line on a terminal of "
                       "eighty columns, and of which there are many.");
  sweetspot::Run noisy_tune = tuned_run();
  noisy_tune.notices = noisy.notices;
  plan::PlanRecord record = plan::fake::short_of_memory();
  record.notices = noisy.notices;
  const auto choice = [](const ProfileSet& set) {
    return [set](const Style& style) {
      ChoiceView view = view_of(set);
      view.notes.assign(20, hostile_text());
      return choice_screen(view, style);
    };
  };
  return {{profile_of(mission_run()), kBelow},
          {profile_of(noisy), kBelow},
          {profile_of(troubled_run()), kBelow},
          {profile_of({}), kBelow},
          {tune_of(tuned_run()), kBelow},
          {tune_of(noisy_tune), kBelow},
          {plan_of(record)},
          {plan_of(plan::fake::without_budget())},
          {choice(measured_set())},
          {choice(planned_set())},
          {devices_of(two_devices(), noisy.notices)},
          {devices_of({}, {})}};
}

TEST(EveryScreen, FitsATerminalOf80By24) {
  for (const AScreen& each : every_screen()) {
    const std::string text = each.screen(kNarrow);
    EXPECT_LE(lines_in(text), kScreenLines - each.lines_below) << text;
    for (const std::string& line : lines_of(text)) EXPECT_LE(display_width(line), 80) << line;
  }
}

TEST(EveryScreen, CutsNothing) {
  for (const AScreen& each : every_screen()) {
    EXPECT_THAT(each.screen(kNarrow), Not(HasSubstr("…")));
  }
}

TEST(EveryScreen, IsSafeForATerminal) {
  for (const AScreen& each : every_screen()) {
    const std::string text = each.screen(kNarrow);
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7f' || c == '\xff';
    })) << text;
    EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
  }
}

// ---- what each says

TEST(ProfileScreen, AnswersInItsFirstLineAndGivesTheCommandInItsFourth) {
  const auto lines = lines_of(profile_screen(mission_run(), kCommand, kBelow, kNarrow));
  EXPECT_EQ("Use 33 of 33 layers: 32.5 tokens/s, 2.6 times the CPU alone", lines[0]);
  EXPECT_THAT(lines[3], testing::StartsWith("  llama-server -m zephyr"));
}

TEST(ProfileScreen, NeverShowsANameWithoutItsLimit) {
  const std::string text = profile_screen(mission_run(), kCommand, kBelow, kNarrow);
  for (const char* name : {"fast (<50%)", "balanced (<70%)", "performance (<85%)"}) {
    EXPECT_THAT(text, HasSubstr(name));
  }
}

TEST(ProfileScreen, SaysWhatAWholeAnswerRunsAtWhereTokensStall) {
  const std::string what = "a whole answer runs at";
  sweetspot::Run run = mission_run();
  EXPECT_THAT(profile_screen(run, kCommand, kBelow, kNarrow), Not(HasSubstr(what)));
  for (Trial& trial : run.results) {
    if (trial.layers != 33) continue;
    trial.generation->warm_up_cut = 0;
    trial.generation->raw.assign(10, {0, trial.generation->ms_per_token.value, 1});
    trial.generation->raw.back().duration_ms *= 11;
  }
  EXPECT_THAT(profile_screen(run, kCommand, kBelow, kNarrow),
              AllOf(HasSubstr("a whole answer runs at 16.2"), HasSubstr("tokens/s (33 layers).")));
}

TEST(ProfileScreen, SaysNotToOffloadWhereTheCpuIsAsFast) {
  sweetspot::Run run = mission_run();
  run.analysis.optimum = 0;
  const std::string text = profile_screen(run, kCommand, kBelow, kNarrow);
  EXPECT_THAT(lines_of(text)[0], testing::StartsWith("Do not offload: "));
  EXPECT_THAT(text, HasSubstr("Uses no GPU memory"));
}

TEST(ProfileScreen, OneLineSaysWhyBandsAreEmptyOnALargeCard) {
  sweetspot::Run run = mission_run();
  for (std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    run.profiles[i].result_index.reset();
    run.profiles[i].reason = "no measured configuration uses so much";
  }
  run.profiles[0].result_index = 4;
  EXPECT_THAT(profile_screen(run, kCommand, kBelow, kNarrow),
              HasSubstr("No profile balanced or performance here: all layers fit into less"));
}

TEST(ProfileScreen, OfNothingButNoiseClaimsNothing) {
  sweetspot::Run run = mission_run();
  run.analysis.optimum.reset();
  for (Trial& trial : run.results) trial.generation->tokens_per_second.high *= 3;
  EXPECT_EQ("No answer: every speed is too uncertain",
            lines_of(profile_screen(run, {}, kBelow, kNarrow))[0]);
}

TEST(TuneScreen, ComparesTheWinnerWithTheDefaultsItWasMeasuredInTurnWith) {
  const std::string text = tune_screen(tuned_run(), kCommand, kBelow, kNarrow);
  EXPECT_THAT(lines_of(text)[0],
              HasSubstr("1.15 times as fast as llama.cpp's defaults (1.13 to 1.17)"));
  EXPECT_THAT(line_with(text, "defaults  "), HasSubstr("26.9 tok/s"));
  EXPECT_THAT(line_with(text, "these  "), HasSubstr("31.1 tok/s"));
  EXPECT_THAT(line_with(text, "Changed:"),
              AllOf(HasSubstr("28 to 33 layers"), HasSubstr("-ub 512 to 1024")));
}

TEST(TuneScreen, OffersOnlyWhatTakesLessMemory) {
  const std::string text = tune_screen(tuned_run(), kCommand, kBelow, {false, 130});
  EXPECT_THAT(line_with(text, "With less memory"),
              AllOf(HasSubstr("28 layers"), HasSubstr("the CPU alone"), Not(HasSubstr("33"))));
}

TEST(TuneScreen, OfOneTrialClaimsNothing) {
  sweetspot::Run run = tuned_run();
  run.results.resize(1);
  run.tune->rounds.clear();
  run.tune->front.clear();
  run.tune->speed_up.reset();
  run.tune->winner.reset();
  run.tune->verdict = "not decided: 1 configuration measured in the time allowed";
  EXPECT_THAT(lines_of(tune_screen(run, {}, kBelow, kNarrow))[0],
              testing::StartsWith("Not decided: 1 configuration"));
}

TEST(PlanScreen, SaysWhatMakesItFitAndGivesTheCommandOfWhatFits) {
  const std::string text = plan_screen(plan::fake::short_of_memory(), kCommand, kNarrow);
  EXPECT_THAT(text, AllOf(HasSubstr("do not fit"), HasSubstr("you give up"),
                          HasSubstr("This fits, with the cheapest change:"),
                          HasSubstr("Most layers by context")));
}

TEST(ChoiceScreen, NamesWhatToLoadWhatItNeedsAndWhatIsFree) {
  const ProfileSet set = measured_set();
  const std::string text = choice_screen(view_of(set), kNarrow);
  EXPECT_THAT(lines_of(text)[0], testing::StartsWith("Load " + set.profiles[1].name));
  EXPECT_THAT(text, AllOf(HasSubstr("measured 2026"), HasSubstr("chat"),
                          HasSubstr("CUDA0 has 4.79 GiB free"), HasSubstr("If that fails: ")));
}

TEST(ChoiceScreen, SaysWhatIsMissingWhereNothingFits) {
  const ProfileSet set = measured_set();
  ChoiceView view = view_of(set);
  for (ChoiceRow& row : view.rows) row.state = ChoiceState::passed;
  EXPECT_EQ("No profile fits right now.", lines_of(choice_screen(view, kNarrow))[0]);
}

TEST(DevicesScreen, SaysWhereLayersGo) {
  EXPECT_THAT(lines_of(devices_screen(two_devices(), {}, kNarrow))[0],
              testing::StartsWith("llama.cpp puts layers on CUDA0 (NVIDIA"));
  std::vector<DeviceRow> alone = {two_devices()[1]};
  EXPECT_EQ("No GPU that llama.cpp can use: models run on the CPU.",
            lines_of(devices_screen(alone, {}, kNarrow))[0]);
}

// ---- the parts

TEST(CommandText, GoesOnBehindABackslashAndIsNeverCut) {
  const std::string text = command_text(kCommand, kNarrow);
  EXPECT_THAT(text, HasSubstr(" \\\n    "));
  std::string joined = text;
  for (std::size_t at; (at = joined.find("\\\n    ")) != std::string::npos;) joined.erase(at, 6);
  for (const std::string& word : kCommand) EXPECT_THAT(joined, HasSubstr(word));
  EXPECT_EQ("", command_text({}, kNarrow));
  const std::string path(200, 'x');
  EXPECT_THAT(command_text({"llama-server", path}, kNarrow), HasSubstr(path));
}

TEST(DoubtsText, CountsWhatDoesNotFit) {
  const std::vector<std::string> three = {"one", "two", "three"};
  EXPECT_EQ("! one\n! two\n! three\n", doubts_text(three, 3, kNarrow));
  EXPECT_EQ("! one\n! 2 more notes: --details\n", doubts_text(three, 2, kNarrow));
  EXPECT_EQ("! 3 notes: --details\n", doubts_text(three, 1, kNarrow));
  EXPECT_EQ("", doubts_text({}, 0, kNarrow));
}

TEST(TwoEnds, ShareALineOrTakeTwo) {
  EXPECT_EQ("left" + std::string(71, ' ') + "right\n", two_ends("left", "right", kNarrow));
  EXPECT_EQ("left\nright\n", two_ends("left", "right", {false, 10}));
  EXPECT_EQ("left\n", two_ends("left", "", kNarrow)) << "without a blank behind it";
}

}  // namespace
}  // namespace sweetspot::report
