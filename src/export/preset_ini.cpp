// A model of llama-server's router: one section of the file that --models-preset takes.
#include <fmt/format.h>

#include "core/text.hpp"
#include "export/host_formats.hpp"
#include "export/llama_names.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

// The grammar has no quotes and no escapes: a value ends at the line's end, at a comment sign, and
// loses the blanks around it.
Status check_preset_value(std::string_view value) {
  const bool blank_ends =
      !value.empty() && (std::string_view(" \t").find(value.front()) != std::string_view::npos ||
                         std::string_view(" \t").find(value.back()) != std::string_view::npos);
  const bool plain = value.find_first_of(";#") == std::string_view::npos && is_printable(value);
  if (!blank_ends && plain) return {};
  return error(ErrorKind::usage,
               fmt::format("llama-server's presets cannot hold '{}': no value of theirs has a line "
                           "break or another control character, ';' or '#', or begins or ends with "
                           "a blank",
                           printable(value)),
               "use a link with another name, or export as llama-server");
}

std::string value_of(const SaidKnob& said) {
  const bool* on = std::get_if<bool>(&said.value);
  if (on == nullptr) return said.text;
  return *on ? "true" : "false";
}

}  // namespace

Result<Exported> to_preset_ini(const ExportJob& job) {
  Exported document;
  const std::string id = plain_id(job.name);
  if (id != job.name) {
    document.notes.push_back(fmt::format("in a preset the model is called {}", id));
  }
  std::string lines;
  const auto add = [&](std::string_view flag, std::string_view value) -> Status {
    lines += fmt::format("{} = {}\n", flag.substr(2), value);
    return check_preset_value(value);
  };
  if (auto ok = add("--model", job.model_path); !ok) return tl::unexpected(ok.error());
  for (const SaidKnob& said : said_knobs(job.config)) {
    if (auto ok = add(long_flag(*said.knob), value_of(said)); !ok) {
      return tl::unexpected(ok.error());
    }
  }
  if (const std::string servers = servers_text(job.config, job.rpc); !servers.empty()) {
    if (auto ok = add("--rpc", servers); !ok) return tl::unexpected(ok.error());
  }
  (void)add("--fit", "off");
  document.text =
      comment_lines(";", document.notes) + fmt::format("version = 1\n\n[{}]\n{}", id, lines);
  return document;
}

}  // namespace sweetspot::exporting
