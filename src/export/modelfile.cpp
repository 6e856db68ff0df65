// Ollama's Modelfile.
#include <fmt/format.h>

#include <array>

#include "core/text.hpp"
#include "export/host_formats.hpp"
#include "export/host_keys.hpp"
#include "export/quoting.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::exporting {
namespace {

constexpr std::array<HostKey, 8> kModelfileKeys = {{
    {"n_gpu_layers", "num_gpu",
     [](const ExportJob& job) -> std::optional<Json> { return layers_or_many(job); }},
    // num_gpu 0 makes Ollama run on the CPU alone.
    {"devices", "", no_device_is_said},
    // Ollama counts it for each of the sequences that its server runs side by side.
    {"n_ctx", "num_ctx",
     [](const ExportJob& job) -> std::optional<Json> {
       const ContextSettings& context = job.config.context;
       return context.n_ctx / (context.n_parallel > 0 ? context.n_parallel : 1);
     }},
    {"n_batch", "num_batch",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_batch; }},
    {"n_threads", "num_thread",
     [](const ExportJob& job) { return if_positive(job.config.context.n_threads); }},
    {"main_gpu", "main_gpu",
     [](const ExportJob& job) { return if_positive(job.config.placement.main_gpu); }},
    {"load_mode", "use_mmap",
     [](const ExportJob& job) -> std::optional<Json> {
       if (job.config.placement.load_mode == LoadMode::none) return false;
       if (job.config.placement.load_mode == LoadMode::mmap) return true;
       return std::nullopt;
     }},
    // All of a prompt's blocks are computed at the batch's size or llama.cpp's own, if that is
    // less.
    {"n_ubatch", "",
     [](const ExportJob& job) -> std::optional<Json> {
       const ContextSettings& context = job.config.context;
       if (context.n_ubatch == std::min(context.n_batch, ContextSettings{}.n_ubatch)) return true;
       return std::nullopt;
     }},
}};

constexpr std::array<HostHabit, 7> kModelfileHabits = {{
    {"type_k", "", "for all its models: OLLAMA_KV_CACHE_TYPE in the environment of its server"},
    {"type_v", "", "for all its models: OLLAMA_KV_CACHE_TYPE in the environment of its server"},
    {"flash_attn", "",
     "for all its models: OLLAMA_FLASH_ATTENTION in the environment of its server"},
    {"n_parallel", "", "for all its models: OLLAMA_NUM_PARALLEL in the environment of its server"},
    {"embeddings", "", "it tells a model that only reads by its header"},
    {"pooling", "", "it takes what the model's header says"},
    {"devices", "", "CUDA_VISIBLE_DEVICES and its kin in the environment of its server choose"},
}};

constexpr Host kOllama = {"Ollama", kModelfileKeys, kModelfileHabits};

// How Ollama's parser undoes quotes; it tries at every line's end and stops where it succeeds.
std::optional<std::string_view> unquoted(std::string_view text) {
  text = trimmed(text);
  for (const std::string_view quote : {std::string_view(R"(""")"), std::string_view("\"")}) {
    if (!text.starts_with(quote)) continue;
    if (text.size() < 2 * quote.size() || !text.ends_with(quote)) return std::nullopt;
    return text.substr(quote.size(), text.size() - 2 * quote.size());
  }
  return text;
}

bool reads_back(std::string_view quoted, std::string_view text) {
  for (std::size_t at = quoted.find('\n'); at != std::string_view::npos;
       at = quoted.find('\n', at + 1)) {
    if (unquoted(quoted.substr(0, at))) return false;
  }
  return unquoted(quoted) == text;
}

// Characters that do not print are dropped by the parser, except blanks and line feeds.
bool is_kept(std::string_view text) {
  std::string without;
  for (const char c : text) {
    if (c != '\n' && c != '\t') without += c;
  }
  for (const std::string_view dropped :
       {"\u00a0", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007",
        "\u2008", "\u2009", "\u200a", "\u202f", "\u205f", "\u3000", "\u00ad", "\u1680"}) {
    if (without.find(dropped) != std::string::npos) return false;
  }
  return is_printable(without);
}

Result<std::string> quoted_path(std::string_view path) {
  if (is_kept(path)) {
    for (const std::string_view quote : {"", "\"", R"(""")"}) {
      const std::string quoted = fmt::format("{}{}{}", quote, path, quote);
      if (reads_back(quoted, path)) return quoted;
    }
  }
  return error(ErrorKind::usage,
               fmt::format("a Modelfile has no way to write the path '{}'", printable(path)),
               "use a link with another name");
}

}  // namespace

Result<Exported> to_modelfile(const ExportJob& job) {
  Result<std::string> path = quoted_path(job.model_path);
  if (!path) return tl::unexpected(path.error());
  Result<HostWords> words = words_of(kOllama, job);
  if (!words) return tl::unexpected(words.error());
  if (const int files = files_of_model(job.model_path); files > 1) {
    words->notes.push_back(
        fmt::format("Ollama takes no model in several files, and this one has {}: join them with "
                    "llama-gguf-split --merge and name the result in FROM",
                    files));
  }
  std::string text = comment_lines("#", words->notes) + fmt::format("FROM {}\n", *path);
  for (const auto& [key, value] : words->values) {
    text += fmt::format("PARAMETER {} {}\n", key, value.dump());
  }
  return Exported{std::move(text), std::move(words->notes)};
}

}  // namespace sweetspot::exporting
