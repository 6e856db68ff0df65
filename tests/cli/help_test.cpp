// Help, man pages and completions: all of them are written from the parser's own options.
#include "cli/help.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "cli/basic_options.hpp"
#include "cli/completion.hpp"
#include "cli/man_page.hpp"
#include "cli/program.hpp"
#include "ground/pieces.hpp"
#include "report/table.hpp"

namespace sweetspot::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

DescribedCommand whole_program() {
  CLI::App app;
  Environment environment;
  Result<int> outcome = 0;
  add_commands(app, environment, outcome);
  return describe(app);
}

void each(const DescribedCommand& command,
          const std::function<void(const DescribedCommand&)>& act) {
  act(command);
  for (const DescribedCommand& sub : command.commands) each(sub, act);
}

const DescribedCommand& command_of(const DescribedCommand& program, std::string_view name) {
  return *std::find_if(
      program.commands.begin(), program.commands.end(),
      [&](const DescribedCommand& one) { return one.name == "sweetspot " + std::string(name); });
}

TEST(ShortHelp, IsOneScreenWithWhatItDoesExamplesAndTheUsualOptions) {
  each(whole_program(), [](const DescribedCommand& command) {
    const std::string text = short_help(command, 80);
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 40) << text;
    EXPECT_THAT(text, AllOf(HasSubstr(command.summary), HasSubstr("Usage: " + command.name),
                            HasSubstr("-h")));
  });
  const std::string text = short_help(command_of(whole_program(), "profile"), 80);
  EXPECT_THAT(text, AllOf(HasSubstr("  sweetspot profile model.gguf"), HasSubstr("--ctx-size N"),
                          HasSubstr("--precision PERCENT"), Not(HasSubstr("--override-tensor")),
                          HasSubstr("All options: sweetspot profile --help")));
}

TEST(ShortHelp, OfTheProgramNamesItsCommands) {
  const DescribedCommand program = whole_program();
  const std::string text = short_help(program, 80);
  for (const DescribedCommand& command : program.commands) {
    EXPECT_THAT(text, HasSubstr(command.summary));
  }
}

TEST(LongHelp, HoldsEveryOptionOfTheParserThatIsNotHidden) {
  CLI::App app;
  Environment environment;
  Result<int> outcome = 0;
  add_commands(app, environment, outcome);
  const DescribedCommand program = describe(app);
  for (const CLI::App* sub : app.get_subcommands({})) {
    const std::string text = long_help(command_of(program, sub->get_name()), 80);
    for (const CLI::Option* option : sub->get_options({})) {
      for (const std::string& name : option->get_lnames()) {
        const bool hidden = option->get_group().empty();
        EXPECT_EQ(!hidden, text.find("--" + name) != std::string::npos)
            << sub->get_name() << " --" << name;
      }
    }
  }
}

TEST(LongHelp, KeepsToTheWidth) {
  each(whole_program(), [](const DescribedCommand& command) {
    for (const int width : {80, 100, 200}) {
      const std::string text = long_help(command, width);
      for (const std::string_view line : lines_of(text)) {
        // A command of an example is never broken.
        if (line.starts_with("  sweetspot") || line.starts_with("  eval")) continue;
        EXPECT_LE(report::display_width(line), std::min(width, 100)) << line;
      }
    }
  });
}

TEST(LongHelp, NamesNoTypeOfTheCode) {
  each(whole_program(), [](const DescribedCommand& command) {
    const std::string text = long_help(command, 100);
    for (const char* type : {"TEXT", "UINT", "INT ", "FLOAT", "POSITIVE", "NONNEGATIVE", "Excludes",
                             "REQUIRED", "VALUE", " in ["}) {
      EXPECT_THAT(text, Not(HasSubstr(type))) << command.name;
    }
    EXPECT_THAT(text, Not(ContainsRegex("[A-Z]:[{]"))) << command.name;
  });
}

TEST(LongHelp, GroupsByWhatAPersonDecides) {
  const DescribedCommand profile = command_of(whole_program(), "profile");
  EXPECT_EQ("Basic", profile.groups.front());
  for (const char* group : {"Search", "Workload", "Placement", "Context", "Precision"}) {
    EXPECT_THAT(profile.groups, testing::Contains(group));
  }
}

TEST(BasicOptions, AreOptionsOfTheirCommands) {
  const DescribedCommand program = whole_program();
  for (const char* name : {"profile", "tune", "plan", "choose", "launch"}) {
    const DescribedCommand& command = command_of(program, name);
    EXPECT_FALSE(basic_options(name).empty());
    for (const std::string_view flag : basic_options(name)) {
      EXPECT_TRUE(std::any_of(command.options.begin(), command.options.end(),
                              [&](const DescribedOption& option) {
                                return option.group == kBasicGroup &&
                                       std::find(option.flags.begin(), option.flags.end(), flag) !=
                                           option.flags.end();
                              }))
          << name << " " << flag;
    }
  }
}

TEST(ManPages, HoldEachFlagOfTheHelp) {
  const DescribedCommand program = whole_program();
  const std::vector<ManPage> pages = man_pages(program, "1.2.3");
  EXPECT_EQ("sweetspot.1", pages.front().first);
  each(program, [&](const DescribedCommand& command) {
    std::string file = command.name + ".1";
    std::replace(file.begin(), file.end(), ' ', '-');
    const auto page = std::find_if(pages.begin(), pages.end(),
                                   [&](const ManPage& one) { return one.first == file; });
    ASSERT_NE(page, pages.end()) << file;
    for (const DescribedOption& option : command.options) {
      for (std::string flag : option.flags) {
        for (std::size_t at = 0; (at = flag.find('-', at)) != std::string::npos; at += 2) {
          flag.insert(at, "\\");
        }
        EXPECT_THAT(page->second, HasSubstr("\\fB" + flag + "\\fR"));
      }
    }
  });
}

TEST(Completions, HoldEachFlagOfTheHelp) {
  const DescribedCommand program = whole_program();
  const std::string bash = bash_completion(program);
  const std::string zsh = zsh_completion(program);
  const std::string fish = fish_completion(program);
  each(program, [&](const DescribedCommand& command) {
    for (const DescribedOption& option : command.options) {
      for (const std::string& flag : option.flags) {
        EXPECT_THAT(bash, HasSubstr(flag));
        EXPECT_THAT(zsh, HasSubstr("'" + flag + "["));
        const bool is_long = flag.starts_with("--");
        EXPECT_THAT(fish, HasSubstr(is_long ? " -l " + flag.substr(2) : " -s " + flag.substr(1)));
      }
    }
  });
}

}  // namespace
}  // namespace sweetspot::cli
