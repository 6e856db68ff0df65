// llama-server's arguments as the environment variables that it reads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.hpp"
#include "export/host_formats.hpp"
#include "export/llama_names.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

// Shells that read $'...' are not all that read such files: dash does not, nor does systemd.
Status check_variable(std::string_view value) {
  if (is_printable(value)) return {};
  return error(
      ErrorKind::usage,
      fmt::format("lines of variables cannot hold '{}': not every shell has a way to write "
                  "its control characters",
                  printable(value)),
      "use a link with another name");
}

Status add(std::string& lines, std::string_view name, std::string_view value) {
  lines += fmt::format("{}={}\n", name, shell_word(value));
  return check_variable(value);
}

}  // namespace

Result<Exported> to_environment(const ExportJob& job) {
  Exported document;
  std::string lines;
  Status written = add(lines, "LLAMA_ARG_MODEL", job.model_path);
  for (const SaidKnob& said : said_knobs(job.config)) {
    if (!written) break;
    if (said.knob->environment.empty()) {
      document.notes.push_back(fmt::format("llama-server reads {} from no variable; add {}",
                                           said.knob->name, fmt::join(flags_of(said), " ")));
      continue;
    }
    written = add(lines, said.knob->environment, said.text);
  }
  const std::string servers = servers_text(job.config, job.rpc);
  if (written && !servers.empty()) written = add(lines, "LLAMA_ARG_RPC", servers);
  if (written) written = add(lines, "LLAMA_ARG_FIT", "off");
  if (!written) return tl::unexpected(written.error());
  document.text = comment_lines("#", document.notes) + lines;
  return document;
}

}  // namespace sweetspot::exporting
