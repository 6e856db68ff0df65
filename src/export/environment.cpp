// llama-server's arguments as the environment variables that it reads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "export/host_formats.hpp"
#include "export/llama_names.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

std::string assignment(std::string_view name, std::string_view value) {
  return fmt::format("{}={}\n", name, shell_word(value));
}

}  // namespace

Result<Exported> to_environment(const ExportJob& job) {
  Exported document;
  std::string lines = assignment("LLAMA_ARG_MODEL", job.model_path);
  for (const SaidKnob& said : said_knobs(job.config)) {
    if (said.knob->environment.empty()) {
      document.notes.push_back(fmt::format("llama-server reads {} from no variable; add {}",
                                           said.knob->name, fmt::join(flags_of(said), " ")));
      continue;
    }
    lines += assignment(said.knob->environment, said.text);
  }
  if (const std::string servers = servers_text(job.config, job.rpc); !servers.empty()) {
    lines += assignment("LLAMA_ARG_RPC", servers);
  }
  lines += assignment("LLAMA_ARG_FIT", "off");
  document.text = comment_lines("#", document.notes) + lines;
  return document;
}

}  // namespace sweetspot::exporting
