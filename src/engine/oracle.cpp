#include "engine/oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/clues.hpp"
#include "core/no_device.hpp"
#include "engine/failure.hpp"

namespace sweetspot::engine {
namespace {

// Keeps messages small and signs of progress near.
constexpr std::size_t kBatch = 512;

// What every model that llama.cpp can use allows: nothing on a device, little context.
Config plainest() {
  Config config;
  config.placement = cpu_alone(config.placement);
  config.context.n_ctx = 512;
  config.context.n_batch = 512;
  config.context.n_ubatch = 512;
  return config;
}

constexpr std::string_view kCrashed = "llama.cpp cannot make it: ";

bool was_made(const PlannedMemory& answer) { return answer.problem.empty(); }

}  // namespace

Result<Oracle> Oracle::open(const StartOptions& options, const std::string& path,
                            bool header_only) {
  Outcome<Worker> worker = Worker::start(options);
  if (!worker) return tl::unexpected(as_error(worker.error()));
  Outcome<ModelInfo> model = worker->inspect(path, header_only);
  if (!model) return tl::unexpected(as_error(model.error()));
  Oracle oracle(options, *std::move(worker), *std::move(model));
  if (!oracle.hello_.abilities.maps && options.linked_worker) {
    oracle.worker_.end();
    oracle.options_.program = *options.linked_worker;
    oracle.speaks_for_another_ = true;
  }
  return oracle;
}

Result<std::vector<PlannedMemory>> Oracle::ask(const std::vector<Config>& configs) {
  std::vector<PlannedMemory> answers;
  answers.reserve(configs.size());
  for (std::size_t from = 0; from < configs.size(); from += kBatch) {
    const auto first = configs.begin() + static_cast<std::ptrdiff_t>(from);
    const std::size_t count = std::min(kBatch, configs.size() - from);
    auto part = ask_halves({first, first + static_cast<std::ptrdiff_t>(count)});
    if (!part) return part;
    std::move(part->begin(), part->end(), std::back_inserter(answers));
  }
  for (PlannedMemory& answer : answers) answer.problem = plain_words(answer.problem);
  usable_ = usable_ || std::any_of(answers.begin(), answers.end(), was_made);
  if (!answers.empty() && !usable_) {
    if (auto checked = check_model(); !checked) return tl::unexpected(checked.error());
  }
  return answers;
}

Result<void> Oracle::check_model() {
  auto answers = ask_halves({plainest()});
  if (!answers) return tl::unexpected(answers.error());
  usable_ = was_made(answers->front());
  if (usable_) return {};
  std::string problem = plain_words(answers->front().problem);
  if (problem.starts_with(kCrashed)) problem.erase(0, kCrashed.size());
  return error(
      ErrorKind::model,
      fmt::format("the model file {} does not load with any settings: {}", model_.path, problem),
      "it is damaged, or this llama.cpp does not know its kind");
}

Result<std::vector<PlannedMemory>> Oracle::ask_halves(const std::vector<Config>& configs) {
  if (!hello_.abilities.maps && !speaks_for_another_) {
    return error(ErrorKind::device,
                 "this engine does not say what a configuration takes (no llama-fit-params beside "
                 "it), and sweetspot's own worker, which could be asked, is not here",
                 "measure it with sweetspot profile, or build sweetspot with its own worker");
  }
  if (!worker_.alive()) {
    if (auto started = restart(); !started) return tl::unexpected(started.error());
  }
  auto result = worker_.map({model_.path, configs}, on_progress_);
  if (result && result->maps.size() == configs.size()) {
    asked_ += configs.size();
    loads_ += result->loads;
    return std::move(result->maps);
  }
  if (result) {
    return error(ErrorKind::internal, fmt::format("the worker answered {} configurations of {}",
                                                  result->maps.size(), configs.size()));
  }
  // A refused model, a cancelled run and a worker that never worked are not the fault of a config.
  if (result.error().failure_class != FailureClass::crashed) {
    return tl::unexpected(as_error(result.error()));
  }
  if (configs.size() == 1) {
    return std::vector<PlannedMemory>{{{}, 0, std::string(kCrashed) + result.error().message}};
  }
  const auto middle = configs.begin() + static_cast<std::ptrdiff_t>(configs.size() / 2);
  auto answers = ask_halves({configs.begin(), middle});
  if (!answers) return answers;
  auto rest = ask_halves({middle, configs.end()});
  if (!rest) return rest;
  std::move(rest->begin(), rest->end(), std::back_inserter(*answers));
  return answers;
}

Result<void> Oracle::restart() {
  Outcome<Worker> worker = Worker::start(options_);
  if (!worker) return tl::unexpected(as_error(worker.error()));
  worker_ = *std::move(worker);
  return {};
}

}  // namespace sweetspot::engine
