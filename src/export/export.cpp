#include "export/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.hpp"
#include "export/host_formats.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::exporting {
namespace {

constexpr std::array<Format, 10> kFormats = {
    Format::llama_server,     Format::env,
    Format::llama_server_ini, Format::llama_swap,
    Format::ollama,           Format::lmstudio,
    Format::koboldcpp,        Format::text_generation_webui,
    Format::llama_cpp_python, Format::json};

std::string name_of_file(std::string_view path) {
  std::string_view name = path.substr(path.find_last_of('/') + 1);
  constexpr std::string_view kEnding = ".gguf";
  if (name.size() > kEnding.size() && name.ends_with(kEnding)) name.remove_suffix(kEnding.size());
  return name.empty() ? "model" : std::string(name);
}

// "sha256-5ef0...", "sha256:5ef0..." or 64 hex digits: a store's name, which tells nobody anything.
bool is_digest(std::string_view name) {
  constexpr std::size_t kDigits = 40;  // SHA-1 at least
  for (const std::string_view kind : {"sha256-", "sha256:"}) {
    if (name.starts_with(kind)) name.remove_prefix(kind.size());
  }
  return name.size() >= kDigits &&
         name.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

std::string name_for(const ExportJob& job) {
  std::string name = name_of_file(job.model_path);
  return is_digest(name) && !job.model_name.empty() ? job.model_name : name;
}

std::optional<int> five_digits(std::string_view text) {
  constexpr std::size_t kDigits = 5;
  const auto value = number_of<int>(text);
  return value && text.size() == kDigits && *value >= 1 ? value : std::nullopt;
}

Status check_text(std::string_view what, std::string_view text) {
  if (is_utf8(text) && text.find('\0') == std::string_view::npos) return {};
  return error(ErrorKind::usage, fmt::format("the {} {} is not UTF-8", what, printable(text)),
               "rename the file or use a link with another name");
}

// `jobs` are one, but where the format holds several.
Result<Exported> write(Format format, std::span<const ExportJob> jobs) {
  const ExportJob& job = jobs.front();
  switch (format) {
    case Format::llama_server:
      return to_llama_server(job);
    case Format::env:
      return to_environment(job);
    case Format::llama_server_ini:
      return to_preset_ini(jobs);
    case Format::llama_swap:
      return to_llama_swap(jobs);
    case Format::ollama:
      return to_modelfile(job);
    case Format::lmstudio:
      return to_lm_studio(job);
    case Format::koboldcpp:
      return to_kcpps(job);
    case Format::text_generation_webui:
      return to_webui_yaml(job);
    case Format::llama_cpp_python:
      return to_python_kwargs(job);
    case Format::json:
      return to_own_json(job);
  }
  return error(ErrorKind::internal, "no such export format");
}

Result<ExportJob> named_job(ExportJob job) {
  if (job.model_path.empty()) return error(ErrorKind::usage, "there is no model to export");
  if (job.name.empty()) job.name = name_for(job);
  if (auto ok = check_text("path", job.model_path); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_text("name", job.name); !ok) return tl::unexpected(ok.error());
  return job;
}

}  // namespace

int files_of_model(std::string_view path) {
  constexpr std::string_view kPattern = "-00001-of-00003.gguf";
  if (path.size() <= kPattern.size()) return 1;
  const std::string_view name = path.substr(path.size() - kPattern.size());
  const bool fits = name[0] == '-' && name.substr(6, 4) == "-of-" && name.ends_with(".gguf");
  const std::optional<int> files = five_digits(name.substr(10, 5));
  return fits && five_digits(name.substr(1, 5)) && files ? *files : 1;
}

// Ollama has started a llama-server of its own since 0.30; an older one keeps libllama's defaults,
// and which of them reads a Modelfile nobody can tell.
std::optional<HostProgram> host_program_of(Format format) {
  switch (format) {
    case Format::llama_server:
    case Format::env:
    case Format::llama_server_ini:
    case Format::llama_swap:
    case Format::text_generation_webui:
      return HostProgram::llama_server;
    case Format::ollama:
    case Format::lmstudio:
    case Format::koboldcpp:
    case Format::llama_cpp_python:
      return HostProgram::libllama;
    case Format::json:
      break;
  }
  return std::nullopt;
}

std::span<const Format> formats() { return kFormats; }

bool holds_several(Format format) {
  return format == Format::llama_swap || format == Format::llama_server_ini;
}

Result<Exported> export_together(Format format, std::span<const ExportJob> jobs) {
  if (jobs.empty()) return error(ErrorKind::usage, "there is no model to export");
  if (jobs.size() > 1 && !holds_several(format)) {
    return error(
        ErrorKind::usage,
        fmt::format("a document for {} holds one model, not {}", to_string(format), jobs.size()),
        "write one for each of them");
  }
  std::vector<ExportJob> named;
  named.reserve(jobs.size());
  for (const ExportJob& job : jobs) {
    Result<ExportJob> one = named_job(job);
    if (!one) return tl::unexpected(one.error());
    named.push_back(*std::move(one));
  }
  Result<Exported> document = write(format, named);
  // Sentences are read on terminals, and values that come from files are quoted in them.
  if (!document) {
    Error failure = document.error();
    failure.message = printable(failure.message, failure.message.size());
    return tl::unexpected(std::move(failure));
  }
  for (std::string& note : document->notes) note = printable(note, note.size());
  return document;
}

Result<Exported> export_as(Format format, const ExportJob& job) {
  return export_together(format, std::span(&job, 1));
}

}  // namespace sweetspot::exporting
