// Models of llama-server's router: each is a section of the file that --models-preset takes.
#include <fmt/format.h>

#include <utility>

#include "core/text.hpp"
#include "export/host_formats.hpp"
#include "export/llama_names.hpp"
#include "export/model_ids.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

constexpr std::string_view kOneAtATime =
    "each profile was chosen as if its model were loaded alone: start llama-server with "
    "--models-max 1, "
    "or it keeps several loaded";

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

// The lines of a model's section, beneath its head.
Result<std::string> section_of(const ExportJob& job) {
  std::vector<std::pair<std::string, std::string>> values = {{"--model", job.model_path}};
  for (const SaidKnob& said : said_knobs(job.config)) {
    values.emplace_back(long_flag(*said.knob), value_of(said));
  }
  if (std::string servers = servers_text(job.config, job.rpc); !servers.empty()) {
    values.emplace_back("--rpc", std::move(servers));
  }
  values.emplace_back("--fit", "off");
  std::string lines;
  for (const auto& [flag, value] : values) {
    if (auto ok = check_preset_value(value); !ok) return tl::unexpected(ok.error());
    lines += fmt::format("{} = {}\n", std::string_view(flag).substr(2), value);
  }
  return lines;
}

}  // namespace

Result<Exported> to_preset_ini(std::span<const ExportJob> jobs) {
  Exported document;
  std::string sections;
  const std::vector<std::string> ids = model_ids(jobs, "the preset", document.notes);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Result<std::string> lines = section_of(jobs[i]);
    if (!lines) return tl::unexpected(lines.error());
    sections += fmt::format("\n[{}]\n{}", ids[i], *lines);
  }
  if (jobs.size() > 1) document.notes.emplace_back(kOneAtATime);
  document.text = comment_lines(";", document.notes) + "version = 1\n" + sections;
  return document;
}

}  // namespace sweetspot::exporting
