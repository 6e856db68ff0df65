// text-generation-webui's settings for one model: models/config-user.yaml.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "export/host_formats.hpp"
#include "export/host_keys.hpp"
#include "export/llama_names.hpp"
#include "export/llama_server.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

constexpr std::array<HostKey, 11> kWebuiKeys = {{
    {"n_gpu_layers", "gpu_layers",
     [](const ExportJob& job) -> std::optional<Json> { return layers_or_many(job); }},
    {"n_ctx", "ctx_size",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ctx; }},
    {"n_batch", "batch_size",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_batch; }},
    {"n_ubatch", "ubatch_size",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ubatch; }},
    {"n_threads", "threads",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_threads; }},
    {"n_threads_batch", "threads_batch",
     [](const ExportJob& job) -> std::optional<Json> {
       return job.config.context.n_threads_batch;
     }},
    {"n_parallel", "parallel",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_parallel; }},
    {"kv_offload", "no_kv_offload",
     [](const ExportJob& job) -> std::optional<Json> { return !job.config.context.kv_offload; }},
    {"split_mode", "split_mode",
     [](const ExportJob& job) -> std::optional<Json> {
       return std::string(to_string(job.config.placement.split_mode));
     }},
    {"tensor_split", "tensor_split",
     [](const ExportJob& job) -> std::optional<Json> {
       if (job.config.placement.tensor_split.empty()) return std::nullopt;
       return fmt::format("{}", fmt::join(job.config.placement.tensor_split, ","));
     }},
    // K and V alike of three types here; the others are passed on as flags.
    {"type_k", "cache_type",
     [](const ExportJob& job) -> std::optional<Json> {
       const std::string& type = job.config.context.type_k;
       if (type != job.config.context.type_v) return Json("fp16");
       return type == "q8_0" || type == "q4_0" ? Json(type) : Json("fp16");
     }},
}};

constexpr Host kWebUi = {"text-generation-webui", kWebuiKeys, {}, true};

bool is_said_by_a_key(const SaidKnob& said, const ContextSettings& context) {
  if (said.knob->name == "type_k" || said.knob->name == "type_v") {
    return context.type_k == context.type_v &&
           (context.type_k == "q8_0" || context.type_k == "q4_0");
  }
  for (const HostKey& row : kWebuiKeys) {
    if (row.knob == said.knob->name) return true;
  }
  return false;
}

// It starts a llama-server and hands these on, after its own, so that they count.
std::string extra_flags(const ExportJob& job) {
  std::vector<std::string> flags;
  // Before the devices that are theirs: llama-server looks them up as it reads.
  if (std::string servers = servers_text(job.config, job.rpc); !servers.empty()) {
    flags.insert(flags.end(), {"--rpc", std::move(servers)});
  }
  const auto add = [&](const SaidKnob& said) {
    for (std::string& flag : flags_of(said)) flags.push_back(std::move(flag));
  };
  for (const SaidKnob& said : said_knobs(job.config)) {
    if (said.knob->name != "flash_attn" && !is_said_by_a_key(said, job.config.context)) add(said);
  }
  // It always turns flash attention on.
  if (job.config.context.flash_attn != FlashAttention::on) add(said_knob(job.config, "flash_attn"));
  return shell_line(flags);
}

// Settings are found by a regular expression over the file's name.
std::string pattern_of(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  std::string pattern;
  for (const char c : name) {
    if (std::string_view(R"(\.^$*+?{}[]|()#&~- )").find(c) != std::string_view::npos) {
      pattern += '\\';
    }
    pattern += c;
  }
  return pattern + "$";
}

std::string scalar(const Json& value) {
  return value.is_string() ? yaml_string(value.get<std::string>()) : value.dump();
}

}  // namespace

Result<Exported> to_webui_yaml(const ExportJob& job) {
  Result<HostWords> words = words_of(kWebUi, job);
  if (!words) return tl::unexpected(words.error());
  const std::string flags = extra_flags(job);
  std::string text =
      fmt::format("{}:\n  loader: llama.cpp\n", yaml_string(pattern_of(job.model_path)));
  for (const auto& [key, value] : words->values) {
    text += fmt::format("  {}: {}\n", key, scalar(value));
  }
  if (!flags.empty()) text += fmt::format("  extra_flags: {}\n", yaml_string(flags));
  words->notes.emplace_back(
      "text-generation-webui finds the model by its file's name: it must lie in its models folder");
  return Exported{comment_lines("#", words->notes) + text, std::move(words->notes)};
}

}  // namespace sweetspot::exporting
