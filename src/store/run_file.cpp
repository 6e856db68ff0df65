#include "store/run_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/json.hpp"
#include "core/json_reader.hpp"
#include "core/text.hpp"
#include "ground/bytes.hpp"
#include "store/kept_file.hpp"

namespace sweetspot::store {
namespace {

constexpr std::size_t kMaxModelChars = 80;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// Each run of other characters becomes one "_"; none at the ends.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (plain.size() == kMaxModelChars) break;
    if (is_plain(c)) {
      plain += c;
    } else if (!plain.empty() && plain.back() != '_') {
      plain += '_';
    }
  }
  while (!plain.empty() && plain.back() == '_') plain.pop_back();
  return plain.empty() ? "model" : plain;
}

std::string_view stem(std::string_view file_name) {
  if (const std::size_t slash = file_name.rfind('/'); slash != std::string_view::npos) {
    file_name.remove_prefix(slash + 1);
  }
  constexpr std::string_view kExtension = ".gguf";
  if (file_name.ends_with(kExtension)) file_name.remove_suffix(kExtension.size());
  return file_name;
}

std::string compact_time(std::string_view iso) {
  constexpr std::size_t kSeconds = 19;  // "2026-11-23T17:48:02" without fraction and zone
  std::string compact;
  for (const char c : iso.substr(0, kSeconds)) {
    if ((c >= '0' && c <= '9') || c == 'T') compact += c;
  }
  return compact.empty() ? "unknown-time" : compact + 'Z';
}

}  // namespace

std::string run_file_name(std::string_view model_file_name, std::string_view started_at) {
  return fmt::format("{}-{}.json", plain_name(stem(model_file_name)), compact_time(started_at));
}

std::string runs_folder(const std::string& data_folder) { return data_folder + "/runs"; }

Result<std::string> read_document(const std::string& path) {
  constexpr std::size_t kMostBytes = 256 * kMiB;  // of a run of many trials with all their samples
  KeptText kept = read_kept(path, kMostBytes);
  if (kept.state == KeptState::whole) return std::move(kept.text);
  const std::string why = kept.state == KeptState::none ? "there is no such file" : kept.why;
  return error(ErrorKind::usage, fmt::format("cannot read {}: {}", shown(path), why),
               "give a file that profile or tune wrote, or `sweetspot plan --json`");
}

Result<Run> parse_run(std::string_view text, const std::string& path) {
  const auto no_run = [&](std::string_view why) {
    return error(ErrorKind::usage, fmt::format("{} is no run: {}", shown(path), why),
                 "give a file that profile or tune wrote");
  };
  const Result<Json> json = parse_json(text);
  if (!json || !json->is_object()) return no_run("it is no JSON, or only a part of it");
  if (schema_of(*json) != kRunSchema) return no_run("it has another schema");
  Result<Run> run = guard([&] { return value_from<Run>(*json); }, "it cannot be read");
  if (!run) return no_run(printable(run.error().message));
  return run;
}

Result<Run> load_run(const std::string& path) {
  const Result<std::string> text = read_document(path);
  if (!text) return tl::unexpected(text.error());
  return parse_run(*text, path);
}

Status save_run(const std::string& path, const Run& run, const FileCalls& calls) {
  constexpr int kIndent = 2;
  return write_atomically(path, dump(to_json(run), kIndent) + '\n', calls);
}

}  // namespace sweetspot::store
