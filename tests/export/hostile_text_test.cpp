// Whatever a file is called: a document gives its path back, or there is no document.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "core/charset.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "export/export.hpp"
#include "export/llama_server.hpp"
#include "export/quoting.hpp"
#include "parse_back.hpp"

namespace sweetspot::exporting {
namespace {

// Pieces of paths that some grammar reads something into.
rc::Gen<std::string> hostile_path() {
  const auto piece = rc::gen::element<std::string>(
      "a", "B7", " ", "'", "\"", "\"\"\"", "\n", "\r", "\t", "#", ";", "$(touch x)", "${PORT}",
      "${env.HOME}", "`id`", "\\", "]", "[", "= ", ": ", "-", "*", "é", "日本", "😀", "\u00a0",
      "\u2028", "\x1b[31m", "\x7f", "%s", "{{.System}}", "\u202e", "FROM x", "!");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) {
                        std::string path = "/m/";
                        for (const std::string& one : pieces) path += one;
                        return path + ".gguf";
                      });
}

ExportJob job_of(const std::string& path) {
  ExportJob job;
  job.config.placement.n_gpu_layers = 7;
  job.offloadable_layers = 33;
  job.model_path = path;
  return job;
}

std::string text_after(const std::string& text, const std::string& lead) {
  const std::size_t at = text.find(lead);
  RC_ASSERT(at != std::string::npos);
  return text.substr(at + lead.size());
}

std::string after(const std::vector<std::string>& words, const std::string& flag) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == flag) return words[i + 1];
  }
  return {};
}

RC_GTEST_PROP(HostilePath, SurvivesTheShell, ()) {
  const std::string path = *hostile_path();
  RC_ASSERT(after(shell_words(export_as(Format::llama_server, job_of(path))->text), "--model") ==
            path);
}

RC_GTEST_PROP(HostilePath, SurvivesTheEnvironmentOrIsRefused, ()) {
  const std::string path = *hostile_path();
  const auto document = export_as(Format::env, job_of(path));
  RC_ASSERT(document.has_value() == is_printable(path));
  if (!document) return;
  RC_ASSERT(shell_words(document->text).front() == "LLAMA_ARG_MODEL=" + path);
}

RC_GTEST_PROP(HostilePath, SurvivesAPresetOrIsRefused, ()) {
  const std::string path = *hostile_path();
  const auto document = export_as(Format::llama_server_ini, job_of(path));
  RC_ASSERT(document.has_value() ==
            (path.find_first_of(";#") == std::string::npos && is_printable(path)));
  if (document) RC_ASSERT(ini_values(document->text).at("model") == path);
}

RC_GTEST_PROP(HostilePath, SurvivesLlamaSwapOrIsRefused, ()) {
  const std::string path = *hostile_path();
  const auto document = export_as(Format::llama_swap, job_of(path));
  RC_ASSERT(document.has_value() == (path.find_first_of("\r\n") == std::string::npos));
  if (!document) return;
  std::string scalar = text_after(document->text, "    cmd: ");
  scalar.pop_back();  // the newline
  std::string command = yaml_scalar(scalar);
  const std::string port = "${PORT}";
  RC_ASSERT(command.find("${", command.find(port) + port.size()) == std::string::npos);
  command.replace(command.find(port), port.size(), "5800");
  RC_ASSERT(after(shell_words(command), "--model") == path);
}

RC_GTEST_PROP(HostilePath, IsWhatAModelfileComesFromOrIsRefused, ()) {
  const std::string path = *hostile_path();
  const auto document = export_as(Format::ollama, job_of(path));
  if (!document) {
    RC_ASSERT(document.error().kind == ErrorKind::usage);
    RC_ASSERT(path.find_first_not_of(
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.-'") !=
              std::string::npos);
    return;
  }
  RC_ASSERT(modelfile_from(document->text) == path);
}

TEST(HostilePath, LineBreaksAreQuotedInAModelfile) {
  for (const std::string path :
       {"/m/a\nb.gguf", "/m/a\nPARAMETER num_gpu 0.gguf", "/m/\"\nb.gguf", "/m/ \n#.gguf"}) {
    const auto document = export_as(Format::ollama, job_of(path));
    ASSERT_TRUE(document) << path;
    EXPECT_EQ(modelfile_from(document->text), path);
  }
}

RC_GTEST_PROP(HostilePath, SurvivesJson, ()) {
  const std::string path = *hostile_path();
  const auto parsed = [&](Format format) {
    return *parse_json(export_as(format, job_of(path))->text);
  };
  RC_ASSERT(parsed(Format::koboldcpp)["model_param"] == path);
  RC_ASSERT(parsed(Format::llama_cpp_python)["model_path"] == path);
  RC_ASSERT(parsed(Format::json)["model_path"] == path);
  RC_ASSERT(parsed(Format::lmstudio)["load"]["fields"].size() > 5);
}

// What a terminal would act upon, or show as something else.
const std::vector<std::string> kUnprintable = {"\n",     "\r",     "\t",     "\x01",
                                               "\x03",   "\x15",   "\x1b[A", "\x7f",
                                               "\u0085", "\u202e", "\u2028", "\u200b"};

// In every place where a set that came from elsewhere can put a text.
std::vector<ExportJob> jobs_with(const std::string& text) {
  std::vector<ExportJob> jobs(4, job_of("/m/a.gguf"));
  jobs[0].model_path = "/m/a" + text + "7'\"\\.gguf";
  jobs[1].name = "a" + text + "b";
  jobs[2].rpc = {"host" + text + ":1"};
  jobs[3].config.placement.override_tensor = {"blk" + text + "=CPU"};
  return jobs;
}

// A document of a line format goes to a terminal, which takes line breaks where lines end, and a
// Modelfile has its own in quotes.
std::string without_line_breaks(std::string text) {
  std::erase(text, '\n');
  return text;
}

TEST(HostileText, NoDocumentHasACharacterThatATerminalActsUpon) {
  for (const std::string& text : kUnprintable) {
    for (const ExportJob& job : jobs_with(text)) {
      for (const Format format : formats()) {
        const auto document = export_as(format, job);
        if (!document) {
          EXPECT_EQ(document.error().kind, ErrorKind::usage);
          EXPECT_TRUE(is_printable(document.error().message)) << document.error().message;
          continue;
        }
        for (const std::string& note : document->notes) EXPECT_TRUE(is_printable(note)) << note;
        std::string shown = without_line_breaks(document->text);
        if (format == Format::ollama) std::erase(shown, '\t');
        EXPECT_TRUE(is_printable(shown)) << to_string(format) << ": " << document->text;
      }
    }
  }
}

TEST(HostileText, APastedLineIsOneLineAndSaysWhatWasMeant) {
  for (const std::string& text : kUnprintable) {
    const std::string path = jobs_with(text).front().model_path;
    const std::string line = line_to_paste({"--model", path, "-c", "1"});
    EXPECT_TRUE(is_printable(line)) << line;
    EXPECT_EQ(shell_words(line), (std::vector<std::string>{"--model", path, "-c", "1"}));
  }
}

// The shell that people paste into most.
TEST(HostileText, BashReadsAPastedLineAsItWasMeant) {
  if (std::system("bash -c true 2>/dev/null") != 0) GTEST_SKIP() << "there is no bash";
  for (const std::string& text : kUnprintable) {
    const std::string path = jobs_with(text).front().model_path;
    const std::string line = "printf '%s' " + line_to_paste({path}) + " | od -An -v -tx1";
    FILE* const shell = ::popen(("exec bash -c " + shell_word(line)).c_str(), "r");
    ASSERT_NE(shell, nullptr);
    std::string hex;
    for (int c = std::fgetc(shell); c != EOF; c = std::fgetc(shell)) {
      if (std::isxdigit(c) != 0) hex += static_cast<char>(c);
    }
    ASSERT_EQ(::pclose(shell), 0);
    std::string expected;
    for (const char c : path) expected += fmt::format("{:02x}", static_cast<unsigned char>(c));
    EXPECT_EQ(hex, expected) << line;
  }
}

// What a program hands to a shell, of which nobody knows which it is, has the older quotes.
TEST(HostileText, ALineForAnyShellHasNoOtherQuotes) {
  EXPECT_EQ(shell_line({"a\x1b", "it's\n"}), "'a\x1b' 'it'\\''s\n'");
}

TEST(HostileText, WhichShellsReadTheFlagsIsNotedWhereNotAllDo) {
  EXPECT_TRUE(export_as(Format::llama_server, job_of("/m/it's.gguf"))->notes.empty());
  const auto notes = export_as(Format::llama_server, job_of("/m/a\x1b.gguf"))->notes;
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes.front().find("dash"), std::string::npos);
}

TEST(HostileText, VariablesAndPresetsNameThePathThatTheyCannotHold) {
  for (const Format format : {Format::env, Format::llama_server_ini}) {
    const auto document = export_as(format, job_of("/m/a\nb.gguf"));
    ASSERT_FALSE(document) << to_string(format);
    EXPECT_EQ(document.error().kind, ErrorKind::usage);
    EXPECT_NE(document.error().message.find("'/m/a\\x0ab.gguf'"), std::string::npos);
    EXPECT_NE(document.error().remedy.find("link with another name"), std::string::npos);
  }
}

// In a process of its own: it is said once for all.
TEST(HostileText, WhatATerminalCannotShowIsStillWritten) {
  const auto all_are_written = [] {
    use_ascii_text();
    for (const Format format : {Format::env, Format::llama_server_ini, Format::ollama}) {
      if (!export_as(format, job_of("/m/日本.gguf"))) return 1;
    }
    return 0;
  };
  EXPECT_EXIT(std::exit(all_are_written()), testing::ExitedWithCode(0), "");
}

RC_GTEST_PROP(HostileName, MeansNothingToAnyGrammar, ()) {
  const std::string id = plain_id(*hostile_path());
  RC_ASSERT(!id.empty());
  RC_ASSERT(id.find_first_of(" \t\r\n'\"#;[]{}$`\\:,&*!|>%@=()~") == std::string::npos);
  RC_ASSERT(id.front() != '-');
}

RC_GTEST_PROP(YamlString, ReadsBack, ()) {
  const std::string text = *hostile_path();
  RC_ASSERT(yaml_scalar(yaml_string(text)) == text);
}

TEST(YamlString, ShowsNoControlCharacters) {
  EXPECT_EQ(yaml_string("a\x1b\n\u2028\u00e9\"\\"), "\"a\\x1b\\x0a\\U00002028é\\\"\\\\\"");
}

}  // namespace
}  // namespace sweetspot::exporting
