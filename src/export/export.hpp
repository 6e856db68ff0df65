// A config in the words of other programs: docs/formats/exports.md says which version of which page
// each format follows.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/enum_names.hpp"
#include "core/error.hpp"
#include "core/fields.hpp"
#include "dialect/abilities.hpp"

namespace sweetspot::exporting {

enum class Format {
  llama_server,           ///< arguments, for a POSIX shell
  env,                    ///< LLAMA_ARG_* assignments, for a POSIX shell
  llama_server_ini,       ///< preset of llama-server's router
  llama_swap,             ///< YAML
  ollama,                 ///< Modelfile
  lmstudio,               ///< preset JSON
  koboldcpp,              ///< .kcpps
  text_generation_webui,  ///< models/config-user.yaml
  llama_cpp_python,       ///< JSON of Llama()'s keyword arguments
  json,                   ///< sweetspot.export/1
};

/// As typed after --format.
constexpr EnumNames<Format, 10> names_of(Format /*of*/) {
  return {{
      {Format::llama_server, "llama-server"},
      {Format::env, "env"},
      {Format::llama_server_ini, "llama-server-ini"},
      {Format::llama_swap, "llama-swap"},
      {Format::ollama, "ollama"},
      {Format::lmstudio, "lmstudio"},
      {Format::koboldcpp, "koboldcpp"},
      {Format::text_generation_webui, "text-generation-webui"},
      {Format::llama_cpp_python, "llama-cpp-python"},
      {Format::json, "json"},
  }};
}

/// What loads a config of that format; nothing where anybody may (json).
std::optional<HostProgram> host_program_of(Format format);

/// Every format, in the order they are shown. Static storage.
std::span<const Format> formats();

/// What is exported. Path and names may hold any characters, since files come from elsewhere.
struct ExportJob {
  Config config;           ///< n_gpu_layers as offloaded; negative = all
  std::string model_path;  ///< as the host shall open it
  std::string name;        ///< what the host shall call it; empty = the file's name without .gguf
  /// What the model's header calls it, for a file whose name is a digest (Ollama's and Hugging
  /// Face's stores); empty = not known.
  std::string model_name;
  std::vector<std::string> rpc;  ///< ggml's RPC servers, "host:port"
  int offloadable_layers = 0;    ///< of the model; 0 = not known
  std::string backend;           ///< of the devices: CUDA, Vulkan, ...; empty = not known
  /// The llama-server it was measured with, for formats that are its arguments; nothing = the one
  /// of our tables.
  std::shared_ptr<const dialect::Abilities> engine = {};
};

/// sweetspot.export/1: everything, in our own words.
void fields(auto& f, Is<ExportJob> auto& job) {
  f.constant("schema", "sweetspot.export/1");
  f("name", job.name);
  f("model_path", job.model_path);
  f("rpc", job.rpc);
  f("config", job.config);
}

struct Exported {
  std::string text;  ///< the document, with a newline at its end
  /// What the host cannot express, as sentences without a full stop. They stand in the document too
  /// where its grammar has comments.
  std::vector<std::string> notes;
};

/// Of a model in several files the count, as llama.cpp reads it from the first one's name
/// ("...-00001-of-00003.gguf"); 1 for any other name.
int files_of_model(std::string_view path);

/// Whether one document of the format may hold several models.
bool holds_several(Format format);

/// One document of all jobs, in their order. Errors are of kind usage: a path that the format has
/// no way to write, or that is not UTF-8; several jobs for a format that holds one.
Result<Exported> export_together(Format format, std::span<const ExportJob> jobs);

/// export_together() of a single job.
Result<Exported> export_as(Format format, const ExportJob& job);

}  // namespace sweetspot::exporting
