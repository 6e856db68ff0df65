// Prints what slices of a model predict for every layer count, as JSON. Used by slices_truth.py.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "devices/machine.hpp"
#include "engine/locate.hpp"
#include "engine/worker.hpp"
#include "profiler/slices.hpp"

namespace {

using sweetspot::Estimate;
using Json = nlohmann::json;

Json to_json(const std::vector<Estimate>& estimates) {
  Json list = Json::array();
  for (const Estimate& e : estimates) list.push_back({e.value, e.low, e.high});
  return list;
}

Json to_json(const sweetspot::search::SliceCosts& costs) {
  return {{"cpu_block_ms", costs.cpu_block_ms},         {"cpu_output_ms", costs.cpu_output_ms},
          {"cpu_rest_ms", costs.cpu_rest_ms},           {"device_block_ms", costs.device_block_ms},
          {"device_output_ms", costs.device_output_ms}, {"device_rest_ms", costs.device_rest_ms},
          {"mixed_rest_ms", costs.mixed_rest_ms}};
}

Json to_json(const sweetspot::search::SliceSize& size) {
  return {
      {"first_block", size.first_block}, {"blocks", size.blocks}, {"vocab_rows", size.vocab_rows}};
}

Json to_json(const sweetspot::profiler::SlicePrediction& prediction) {
  const auto& plan = prediction.plan;
  return {{"generation_ms", to_json(prediction.generation_ms_by_layers)},
          {"prompt_ms", to_json(prediction.prompt_ms_by_layers)},
          {"generation_costs", to_json(prediction.generation_costs)},
          {"prompt_costs", to_json(prediction.prompt_costs)},
          {"small", to_json(plan.small)},
          {"large", to_json(plan.large)},
          {"rows", plan.rows ? to_json(*plan.rows) : Json()},
          {"small_read_bytes", plan.small_read_bytes},
          {"cache_bytes", plan.cache_bytes},
          {"weight_share", prediction.weight_share},
          {"rounds", prediction.rounds},
          {"load_seconds", prediction.load_seconds},
          {"measure_seconds", prediction.measure_seconds},
          {"notes", prediction.notes}};
}

int fail(const std::string& why) {
  fmt::print(stderr, "slice_predictions: {}\n", why);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Predict every layer count of a model from slices of it");
  sweetspot::profiler::SliceJob job;
  std::string path;
  job.workload = {0, 32, 0};
  job.base.context.n_ctx = 512;
  app.add_option("model", path)->required();
  app.add_option("--rpc", job.start.rpc);
  app.add_option("-p", job.workload.n_prompt);
  app.add_option("-n", job.workload.n_gen);
  app.add_option("-d", job.workload.n_depth);
  app.add_option("-c", job.base.context.n_ctx);
  app.add_option("-t", job.base.context.n_threads);
  app.add_option("--seconds", job.max_seconds);
  app.add_option("--share", job.rules.largest_share);
  app.add_flag_callback(
      "--no-mmap", [&] { job.base.placement.load_mode = sweetspot::LoadMode::none; },
      "read weights into memory");
  CLI11_PARSE(app, argc, argv);

  const auto program = sweetspot::engine::locate_worker();
  if (!program) return fail(program.error().message);
  job.start.program = *program;
  auto worker = sweetspot::engine::Worker::start(job.start);
  if (!worker) return fail(worker.error().message);
  const auto model = worker->inspect(path);
  if (!model) return fail(model.error().message);
  job.model = *model;
  for (const auto& device : worker->hello().devices) job.has_device |= device.can_offload();
  worker->end();
  job.cache_bytes = sweetspot::devices::last_level_cache_bytes();
  const auto prediction = sweetspot::profiler::predict_by_slices(job);
  if (!prediction) return fail(prediction.reason());
  fmt::print("{}\n", to_json(*prediction).dump(1));
  return 0;
}
