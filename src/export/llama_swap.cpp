// Models of llama-swap's config: the command that starts llama-server with each.
#include <fmt/format.h>

#include "core/text.hpp"
#include "export/host_formats.hpp"
#include "export/llama_server.hpp"
#include "export/model_ids.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

// llama-swap replaces ${NAME} in every value before it splits a command into words, and knows no
// escape: the quotes between $ and { vanish when the words are made.
std::string command_word(std::string_view text) {
  std::string word = shell_word(text);
  for (std::size_t at = word.find("${"); at != std::string::npos; at = word.find("${", at + 4)) {
    word.replace(at, 2, "$''{");
  }
  return word;
}

Status check_path(std::string_view path) {
  if (path.find_first_of("\r\n") == std::string_view::npos) return {};
  return error(
      ErrorKind::usage,
      fmt::format("llama-swap cannot start '{}': it reads commands line by line", printable(path)),
      "use a link with another name");
}

std::string command_of(const ExportJob& job) {
  std::string command = "llama-server --port ${PORT}";
  for (const std::string& argument :
       llama_server_arguments(job.config, job.model_path, job.rpc, job.engine.get())) {
    command += ' ' + command_word(argument);
  }
  return command;
}

}  // namespace

Result<Exported> to_llama_swap(std::span<const ExportJob> jobs) {
  Exported document;
  std::string models;
  const std::vector<std::string> ids = model_ids(jobs, "llama-swap's config", document.notes);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (auto ok = check_path(jobs[i].model_path); !ok) return tl::unexpected(ok.error());
    models +=
        fmt::format("  {}:\n    cmd: {}\n", yaml_string(ids[i]), yaml_string(command_of(jobs[i])));
  }
  document.text = comment_lines("#", document.notes) + "models:\n" + models;
  return document;
}

}  // namespace sweetspot::exporting
