#include "launch/serving.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/server_flags.hpp"
#include "export/llama_names.hpp"
#include "ground/pieces.hpp"
#include "launch/arguments.hpp"

namespace sweetspot::launch {
namespace {

// As llama.cpp reads a variable of a flag that takes no value.
bool is_on(const std::optional<std::string>& value) {
  return value && is_one_of("on,enabled,true,1", *value);
}

bool reranks(const Program& program) {
  return says(program, "--rerank,--reranking") ||
         is_on(variable_of(program, "LLAMA_ARG_RERANKING"));
}

std::string pooling_of(const Program& program, const SavedProfile& profile) {
  if (const auto said = value_of(program, "--pooling")) return *said;
  if (const auto said = variable_of(program, "LLAMA_ARG_POOLING")) return *said;
  return std::string(to_string(profile.config.context.pooling));
}

std::optional<std::uint32_t> number(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto value = number_of<std::uint32_t>(*text);
  return value && *value > 0 ? value : std::nullopt;
}

std::uint32_t batch(const Program& program, std::string_view flags, std::string_view variable,
                    std::uint32_t otherwise) {
  if (const auto said = number(value_of(program, flags))) return *said;
  return number(variable_of(program, variable)).value_or(otherwise);
}

// ---- who it is to the reports

// Of llama.cpp's programs: flags that change neither memory nor what the model is used for.
constexpr std::array<std::string_view, 10> kIndifferent = {
    // where it listens and what it shows
    "--host,--port,--path,--api-prefix,-a,--alias,--tags,--api-key,--api-key-file,--ssl-key-file,"
    "--ssl-cert-file,--threads-http,-to,--timeout,--sleep-idle-seconds,--media-path",
    "--metrics,--props,--slots,--no-slots,--webui,--no-webui,--ui,--no-ui,--offline,-hft,--hf-"
    "token",
    // what it logs
    "--log-file,-lv,--verbosity,--log-verbosity,--log-colors,-v,--verbose,--log-verbose",
    "--log-disable,--log-prefix,--log-timestamps,--no-log-prefix,--no-log-timestamps,--perf,"
    "--no-perf",
    // what it is asked, and how it answers
    "-p,--prompt,-sys,--system-prompt,-f,--file,-sysf,--system-prompt-file,-bf,--binary-file,"
    "-r,--reverse-prompt,-n,--predict,--n-predict,--keep,--in-prefix,--in-suffix",
    "-cnv,--conversation,-no-cnv,--no-conversation,-st,--single-turn,-e,--escape,--no-escape,-i,"
    "--interactive,-sp,--special,-co,--simple-io,--display-prompt,--no-display-prompt",
    "-s,--seed,--temp,--temperature,--top-k,--top-p,--min-p,--top-n-sigma,--typical,"
    "--repeat-last-n,--repeat-penalty,--presence-penalty,--frequency-penalty,--samplers,"
    "--sampling-seq,--sampler-seq,--mirostat,--mirostat-lr,--mirostat-ent,-l,--logit-bias",
    "--grammar,--grammar-file,-j,--json-schema,-jf,--json-schema-file,--color,--ignore-eos",
    "--jinja,--no-jinja,--prefill-assistant,--no-prefill-assistant,--chat-template,"
    "--chat-template-file,--chat-template-kwargs,--reasoning-format,--reasoning-budget,-rea,"
    "--reasoning",
    // what we say ourselves
    "-m,--model,-fit,--fit",
};

bool is_indifferent(std::string_view flag) {
  return std::any_of(kIndifferent.begin(), kIndifferent.end(),
                     [&](std::string_view names) { return is_one_of(names, flag); });
}

bool is_secret(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  constexpr std::array<std::string_view, 5> kWords = {"key", "token", "secret", "password", "auth"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

bool is_value(const std::string& argument) {
  const bool negative =
      argument.size() > 1 && argument[0] == '-' && argument[1] >= '0' && argument[1] <= '9';
  return !argument.starts_with('-') || argument == "-" || negative;
}

// One flag with its values: "--ctx-size 4096". `at` moves behind it.
struct Said {
  std::string flag;
  std::vector<std::string> values;
};

Said next_said(const std::vector<std::string>& argv, std::size_t& at) {
  Said said;
  const std::string& first = argv[at++];
  if (!first.starts_with('-')) return {first, {}};
  const std::size_t equals = first.find('=');
  said.flag = first.substr(0, equals);
  if (equals != std::string::npos) {
    said.values.push_back(first.substr(equals + 1));
    return said;
  }
  while (at < argv.size() && is_value(argv[at])) said.values.push_back(argv[at++]);
  return said;
}

// Of several spellings of a flag, one.
std::string spelled(const std::string& flag) {
  const Knob* knob = find_knob_of_flag(flag);
  if (knob == nullptr || find_knob(knob->name) == nullptr) return flag;
  const bool off = flag.starts_with("--no-") || flag.starts_with("-no-") || flag.starts_with("-nk");
  const bool of_table = is_one_of(knob->flags, flag);
  const std::string name = of_table ? exporting::long_flag(*knob, !off) : std::string();
  return name.empty() ? flag : name;
}

std::string line_of(const Said& said) {
  if (said.values.empty()) return said.flag;
  if (is_secret(said.flag)) return said.flag + " ...";
  std::string line = said.flag;
  for (const std::string& value : said.values) line += ' ' + value;
  return line;
}

constexpr std::array<std::string_view, 6> kIndifferentVariables = {
    "LLAMA_ARG_HOST",       "LLAMA_ARG_PORT",  "LLAMA_ARG_ALIAS",
    "LLAMA_ARG_API_PREFIX", "LLAMA_ARG_MODEL", "LLAMA_ARG_STATIC_PATH"};

bool matters(std::string_view variable) {
  const std::string_view name = variable.substr(0, variable.find('='));
  return !is_secret(name) && std::find(kIndifferentVariables.begin(), kIndifferentVariables.end(),
                                       name) == kIndifferentVariables.end();
}

}  // namespace

Task task_of(const Program& program, const SavedProfile& profile) {
  if (reranks(program)) return Task::reranking;
  const bool reads = says(program, "--embedding,--embeddings,--embd-gemma-default") ||
                     is_on(variable_of(program, "LLAMA_ARG_EMBEDDINGS")) ||
                     profile.config.context.embeddings;
  if (!reads) return Task::completion;
  return pooling_of(program, profile) == "rank" ? Task::reranking : Task::embedding;
}

std::uint32_t piece_of(const Program& program, const SavedProfile& profile) {
  const ContextSettings& context = profile.config.context;
  return std::min(batch(program, "-ub,--ubatch-size", "LLAMA_ARG_UBATCH", context.n_ubatch),
                  batch(program, "-b,--batch-size", "LLAMA_ARG_BATCH", context.n_batch));
}

Loader loader_of(const Program& program) {
  Loader loader;
  if (program.argv.empty()) return loader;
  const std::string& path = program.argv.front();
  loader.program = path.substr(path.rfind('/') + 1);
  const bool of_llama = program.kind != ProgramKind::other;
  for (std::size_t at = 1; at < program.argv.size();) {
    Said said = next_said(program.argv, at);
    if (of_llama && is_indifferent(said.flag)) continue;
    if (of_llama) said.flag = spelled(said.flag);
    loader.arguments.push_back(line_of(said));
  }
  for (const std::string& variable : program.environment) {
    if (of_llama && matters(variable)) loader.arguments.push_back(variable);
  }
  // Of other programs the order may matter: theirs stays.
  if (of_llama) std::sort(loader.arguments.begin(), loader.arguments.end());
  return loader;
}

}  // namespace sweetspot::launch
