// Whatever a file is called: a document gives its path back, or there is no document.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>

#include "core/json.hpp"
#include "export/export.hpp"
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

RC_GTEST_PROP(HostilePath, SurvivesTheEnvironment, ()) {
  const std::string path = *hostile_path();
  const auto words = shell_words(export_as(Format::env, job_of(path))->text);
  RC_ASSERT(words.front() == "LLAMA_ARG_MODEL=" + path);
}

RC_GTEST_PROP(HostilePath, SurvivesAPresetOrIsRefused, ()) {
  const std::string path = *hostile_path();
  const auto document = export_as(Format::llama_server_ini, job_of(path));
  RC_ASSERT(document.has_value() == (path.find_first_of("\r\n;#") == std::string::npos));
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
