#include "golden/sample_run.hpp"

#include <array>
#include <string>
#include <utility>

#include "ground/bytes.hpp"

namespace sweetspot::tests {
namespace {

Speed speed(double tokens_per_second, double half_width) {
  Speed result;
  const double low = tokens_per_second - half_width;
  const double high = tokens_per_second + half_width;
  result.tokens_per_second = {tokens_per_second, low, high};
  result.ms_per_token = {1e3 / tokens_per_second, 1e3 / high, 1e3 / low};
  result.samples = 100;
  result.warm_up_cut = 2;
  result.target_half_width = 0.01;
  result.p50_ms = 1e3 / tokens_per_second;
  result.p90_ms = 1.1e3 / tokens_per_second;
  result.p95_ms = Absence{"needs 130 samples, has 100"};
  result.p99_ms = Absence{"needs 662 samples, has 100"};
  result.raw = {{0.0, 1e3 / tokens_per_second, 1}, {90.5, 1e3 / tokens_per_second, 1}};
  return result;
}

EffectiveConfig effective(int layers) {
  EffectiveConfig config;
  config.n_gpu_layers = layers;
  config.n_ctx = 4096;
  config.n_batch = 2048;
  config.n_ubatch = 512;
  config.n_threads = 8;
  config.n_threads_batch = 8;
  config.flash_attn = std::string("on");
  config.type_k = std::string("f16");
  config.type_v = std::string("f16");
  return config;
}

Telemetry telemetry(double utilisation_percent, double temperature_c) {
  Telemetry result;
  result.utilisation_percent = utilisation_percent;
  result.temperature_start_c = temperature_c - 1;
  result.temperature_max_c = temperature_c;
  result.power_w = 61.5;
  result.graphics_clock_mhz = 2100.0;
  result.throttle_reasons = std::vector<std::string>{};
  result.samples = 40;
  return result;
}

struct MissionRow {
  std::vector<int> requested;
  int layers;
  double vram_gib;
  double vram_percent;
  double tokens_per_second;
  double utilisation_percent;
  double temperature_c;
};

Trial mission_trial(const MissionRow& row) {
  Trial trial;
  trial.requested_layers = row.requested;
  trial.layers = row.layers;
  trial.config.placement.n_gpu_layers = row.layers;
  trial.started_at = "2026-11-23T17:48:10Z";
  trial.effective = effective(row.layers);
  const auto used = static_cast<std::uint64_t>(row.vram_gib * static_cast<double>(kGiB));
  trial.memory = {{"CUDA0", used - 200 * kMiB, 150 * kMiB, 50 * kMiB}, {"CPU", kGiB, 0, kMiB}};
  trial.driver_rise_bytes = used;
  trial.used_by_others_bytes = 100 * kMiB;
  trial.vram_used_bytes = used;
  trial.vram_percent = row.vram_percent;
  trial.vram_source = "driver";
  trial.load_seconds = 3.2;
  trial.prompt = speed(row.tokens_per_second * 20, 4);
  trial.generation = speed(row.tokens_per_second, 0.25);
  trial.telemetry = telemetry(row.utilisation_percent, row.temperature_c);
  trial.full_depth = FullDepth::verified;
  trial.full_depth_note = "4096 tokens, filled by copy";
  return trial;
}

DeviceStatus driver_status() {
  DeviceStatus status;
  status.pci_bus_id = std::string("0000:01:00.0");
  status.name = std::string("NVIDIA GeForce RTX 4050 Laptop GPU");
  status.uuid = std::string("GPU-00000000-0000-0000-0000-000000000000");
  status.driver = "nvml";
  status.driver_version = std::string("550.54");
  status.memory_total_bytes = 6 * kGiB;
  status.memory_used_bytes = 100 * kMiB;
  status.memory_free_bytes = 6 * kGiB - 300 * kMiB;
  status.memory_reserved_bytes = 200 * kMiB;
  status.spilled_bytes = Absence{"not a figure of this driver"};
  status.memory_source = "nvml v2";
  status.utilisation_percent = 0.0;
  status.temperature_c = 54.0;
  status.power_w = 9.5;
  status.power_limit_w = Absence{"not supported by the driver"};
  status.graphics_clock_mhz = 210.0;
  status.memory_clock_mhz = 405.0;
  status.throttle_reasons = std::vector<std::string>{"idle"};
  return status;
}

Device cpu() {
  Device device{"CPU", "Some processor", "CPU", DeviceType::cpu, {}, 16 * kGiB, 12 * kGiB};
  device.pci_bus_id = Absence{"a CPU has none"};
  return device;
}

ModelInfo model() {
  ModelInfo info;
  info.path = "/models/zephyr-7b-beta.Q5_K_M.gguf";
  info.files = {{info.path, 5 * kGiB, 1763900000000000000, 42}};
  info.architecture = "llama";
  info.name = std::string("zephyr-7b-beta");
  info.quantization = "Q5_K - Medium";
  info.n_params = 7241732096;
  info.size_bytes = 5131000000;
  info.n_layer = 32;
  info.n_ctx_train = 32768;
  info.n_embd = 4096;
  info.n_head = 32;
  info.n_head_kv = 8;
  info.n_ff = 14336;
  info.n_vocab = 32000;
  info.layers = {{0, 150 * kMiB, 0}, {1, 150 * kMiB, 0}};
  info.non_layer_bytes = 220 * kMiB;
  info.fingerprint = "0123456789abcdef";
  return info;
}

Run basis() {
  Run run;
  run.tool_version = "0.1.0";
  run.started_at = "2026-11-23T17:48:02Z";
  run.finished_at = "2026-11-23T17:51:40Z";
  run.engine = {"0.7.0", "0.7.0 build 1 (abc)", "0.27", "def", {"CUDA", "CPU"}, "AVX2 = 1"};
  run.machine.os = "Debian GNU/Linux 12";
  run.machine.kernel = "6.1.0";
  run.machine.cpu = "Some processor";
  run.machine.physical_cores = 8;
  run.machine.logical_cores = 16;
  run.machine.memory_total_bytes = 16 * kGiB;
  run.machine.memory_available_bytes = 12 * kGiB;
  run.machine.environment = {"GGML_NO_BACKTRACE=1"};
  run.model = model();
  run.settings.mode = "custom";
  run.settings.complete = true;
  return run;
}

Profile profile(const std::string& name, std::size_t index, const Run& run) {
  const Trial& trial = run.results[index];
  Profile result;
  result.name = name;
  result.recommended_for = "somebody";
  result.result_index = index;
  result.n_gpu_layers = trial.layers;
  result.n_ctx = 4096;
  result.n_batch = 2048;
  result.vram_bytes = trial.vram_used_bytes;
  result.vram_percent = trial.vram_percent;
  result.tokens_per_second = trial.generation->tokens_per_second.value;
  return result;
}

Profile empty_profile(const std::string& name, const std::string& reason) {
  Profile result;
  result.name = name;
  result.recommended_for = "somebody";
  result.reason = reason;
  result.vram_bytes = Absence{reason};
  result.vram_percent = Absence{reason};
  result.tokens_per_second = Absence{reason};
  return result;
}

Trial failed_trial(int layers, Failure failure) {
  Trial trial;
  trial.requested_layers = {layers};
  trial.layers = layers;
  trial.config.placement.n_gpu_layers = layers;
  trial.started_at = "2026-11-23T17:49:00Z";
  trial.failure = std::move(failure);
  trial.full_depth_note = "the trial ended before";
  return trial;
}

}  // namespace

std::string hostile_text() {
  return "\x1b[31mred\x1b]0;title\x07 \xc2\x9b \xe2\x80\xae \xff \"$(touch /tmp/x)\" `id` end";
}

Run mission_run() {
  Run run = basis();
  run.devices = {{{"CUDA0", "NVIDIA GeForce RTX 4050 Laptop GPU", "CUDA", DeviceType::gpu,
                   std::string("0000:01:00.0"), 6 * kGiB, 6 * kGiB - 300 * kMiB},
                  driver_status()},
                 {cpu(), Absence{"not available for this device"}}};
  const std::array<MissionRow, 5> rows = {{{{0}, 0, 0.52, 9, 12.5, 0, 55},
                                           {{10}, 10, 1.72, 29, 18.2, 38, 58},
                                           {{20}, 20, 2.85, 48, 23.4, 58, 60},
                                           {{30}, 30, 3.98, 66, 29.1, 74, 63},
                                           {{35, 40, 43, -1}, 33, 4.58, 76, 32.5, 82, 65}}};
  for (const MissionRow& row : rows) run.results.push_back(mission_trial(row));
  run.analysis.optimum = 4;
  run.analysis.fastest = 4;
  run.analysis.speed_up_over_cpu = 2.6;
  run.analysis.vram_bytes_per_layer = 126.0 * static_cast<double>(kMiB);
  run.analysis.diminishing_after_layers = Absence{"every layer measured gains 2 % or more"};
  run.analysis.temperature_rise_c = 11.0;
  run.profiles = {profile("fast", 2, run), profile("balanced", 3, run),
                  profile("performance", 4, run), profile("cpu_fallback", 0, run)};
  return run;
}

Run troubled_run() {
  Run run = basis();
  run.finished_at.clear();
  run.settings.complete = false;
  run.settings.vram_limit_bytes = 2 * kGiB;
  run.settings.rpc = {"127.0.0.1:50052"};
  run.model.name = hostile_text();
  run.model.path = "/models/" + hostile_text() + ".gguf";
  run.notices = {"no GPU here: the accelerator is a process on this machine " + hostile_text()};
  Device rpc{"RPC0", hostile_text(), "RPC", DeviceType::gpu, {}, {}, 3 * kGiB};
  rpc.pci_bus_id = Absence{"not a PCI device"};
  rpc.memory_total_bytes = Absence{hostile_text()};
  run.devices = {{rpc, Absence{"not available for this device"}}};

  Trial cpu_only = mission_trial({{0}, 0, 0.5, 9, 12.5, 0, 55});
  cpu_only.vram_used_bytes = Absence{"nothing is offloaded"};
  cpu_only.vram_percent = Absence{"nothing is offloaded"};
  cpu_only.driver_rise_bytes = Absence{"no driver tells"};
  cpu_only.used_by_others_bytes = Absence{"no driver tells"};
  cpu_only.vram_source.clear();
  cpu_only.telemetry = Telemetry{};
  cpu_only.telemetry.utilisation_percent = Absence{"not available for RPC0"};
  cpu_only.telemetry.temperature_max_c = Absence{"not available for RPC0"};
  cpu_only.generation->stop_reason = StopReason::time_cap;
  cpu_only.full_depth = FullDepth::not_tried;
  cpu_only.full_depth_note = "interrupted";
  cpu_only.prompt.reset();
  cpu_only.workload.n_prompt = 0;
  cpu_only.notes = {hostile_text()};

  run.results = {
      cpu_only,
      failed_trial(8, {FailureClass::crashed, Phase::load, "the worker died", 6,
                       "one\ntwo\nthree\nfour\nfive\nGGML_ASSERT " + hostile_text() + "\n"}),
      failed_trial(33, {FailureClass::out_of_device_memory,
                        Phase::context,
                        "no room for 512 MiB on RPC0",
                        {},
                        ""})};
  run.results[2].requested_layers = {33, 40, -1};
  run.analysis.optimum = 0;
  run.analysis.fastest = 0;
  const Absence one{"only one configuration was measured"};
  run.analysis.speed_up_over_cpu = one;
  run.analysis.vram_bytes_per_layer = one;
  run.analysis.diminishing_after_layers = one;
  run.analysis.temperature_rise_c = Absence{"no temperature could be read"};
  run.profiles = {empty_profile("fast", "nothing measured uses less than 50 %"),
                  empty_profile("balanced", "nothing measured uses 50-70 %"),
                  empty_profile("performance", "nothing measured uses 70-85 %"),
                  profile("cpu_fallback", 0, run)};
  run.profiles[3].vram_bytes = Absence{"nothing is offloaded"};
  run.profiles[3].vram_percent = Absence{"nothing is offloaded"};
  return run;
}

Run adaptive_run() {
  Run run = mission_run();
  run.settings.mode = "adaptive";
  Trial& explored = run.results[1];
  explored.extent = Extent::generation_only;
  explored.reason = "nothing is offloaded in fast yet";
  explored.prompt.reset();
  explored.full_depth = FullDepth::not_tried;
  explored.full_depth_note = "only its speed was measured";
  run.results[0].full_depth_ms = Estimate{95, 94, 96};
  SweepRecord sweep;
  for (int layers = 0; layers <= 33; ++layers) {
    CurvePoint point;
    point.layers = layers;
    point.vram_bytes = static_cast<std::uint64_t>(layers) * 130 * kMiB;
    point.vram_percent = 2.3 * layers;
    const double ms = 80 - 1.5 * layers;
    point.generation_ms = Estimate{ms, ms * 0.97, ms * 1.03};
    point.full_depth_ms = Estimate{ms * 1.2, ms * 1.15, ms * 1.25};
    sweep.curve.push_back(point);
  }
  for (const Trial& trial : run.results) {
    CurvePoint& point = sweep.curve[static_cast<std::size_t>(trial.layers)];
    point.standing = Standing::measured;
    point.generation_ms = trial.generation->ms_per_token;
    point.full_depth_ms = trial.full_depth_ms;
  }
  const auto without_time = [&](int layers, Standing standing, std::string note) {
    CurvePoint& point = sweep.curve[static_cast<std::size_t>(layers)];
    point.standing = standing;
    point.generation_ms.reset();
    point.full_depth_ms.reset();
    point.note = std::move(note);
  };
  without_time(28, Standing::failed, "the worker died");
  without_time(29, Standing::not_tried, "28 layers: " + hostile_text());
  without_time(31, Standing::does_not_fit, "CUDA0 lacks 90 MiB");
  without_time(32, Standing::does_not_fit, "CUDA0 lacks 90 MiB");
  sweep.curve[0].vram_percent = Absence{"nothing is offloaded"};
  sweep.curve[1].vram_bytes = Absence{"llama.cpp could not be asked"};
  sweep.decisions = {{"fast", 20, true, 0.01,
                      "none of the 19 that were not measured wins by more than 2 %, with a "
                      "probability of 99 %"},
                     {"balanced", 30, false, 0.12,
                      "open: a layer count that was not measured wins by more than 2 % with a "
                      "probability of 12 %"},
                     {"performance", {}, true, 0, "no layer count lies in it"},
                     {"optimum", 33, true, 0.02,
                      "none of the 27 that were not measured wins by more than 2 %, "
                      "with a probability of 98 %"},
                     {"diminishing",
                      {},
                      false,
                      {},
                      "between 20 and 33 layers another one begins to gain less than "
                      "2 %"}};
  sweep.generation =
      TimeModelRecord{"ms per token = output_only_ms + blocks on the device * block_ms",
                      {{"output_only_ms", "the output on the device", 79.1, 0.8},
                       {"block_ms", "a block", -1.5, 0.1}},
                      0.006,
                      0.004,
                      true,
                      5};
  sweep.slices =
      SliceRecord{0.08, 200 * kMiB, 32 * kMiB, 5, 21.5, 2.4, 0.9, -0.1, {hostile_text()}};
  sweep.depth = DepthRecord{4.1, 0.2, 0.9, 0.3, 3};
  sweep.ended = "everything is settled";
  run.sweep = sweep;
  return run;
}

Run tuned_run() {
  Run run = mission_run();
  run.settings.mode = "tune";
  run.workload = {256, 256, 1024};
  run.results.clear();
  const auto add = [&](const std::string& title, int layers, double tokens_per_second) -> Trial& {
    run.results.push_back(mission_trial(
        {{layers}, layers, 0.5 + 0.12 * layers, 9 + 2.0 * layers, tokens_per_second, 80, 60}));
    Trial& trial = run.results.back();
    trial.workload = run.workload;
    trial.title = title;
    trial.reason = "a reason";
    trial.extent = Extent::speeds;
    trial.full_depth = FullDepth::not_tried;
    trial.full_depth_note = "only its speed was measured";
    return trial;
  };
  add("28 layers, llama.cpp's defaults", 28, 27.0);
  add("the CPU alone", 0, 12.5).config.placement.devices = {"none"};
  add("33 layers", 33, 30.0);
  add("n_ubatch 1024", 33, 31.0).config.context.n_ubatch = 1024;
  Trial& close = add("q8_0 cache", 33, 30.5);
  close.config.context.type_k = close.config.context.type_v = "q8_0";
  close.divergence = Divergence{128, 0.0004, 0.004, 0.01, 0.99};
  Trial& other = add("q4_0 cache", 33, 30.5);
  other.config.context.type_k = other.config.context.type_v = "q4_0";
  other.divergence = Divergence{128, 0.05, 0.4, 1.5, 0.9};
  other.failure = Failure{FailureClass::wrong_output, Phase::warm_up, "its output differs", {}, ""};
  other.prompt.reset();
  other.generation.reset();
  other.effective.reset();
  add("31 layers", 31, 29.0).disturbances = {Disturbance::throttled};
  add("final round 1: the defaults", 28, 26.9);
  Trial& proved = add("final round 1: the winner", 33, 31.1);
  proved.config.context.n_ubatch = 1024;
  proved.extent = Extent::full;
  proved.full_depth = FullDepth::verified;
  proved.full_depth_note = "4096 tokens, filled by copy";
  add("final round 2: the defaults", 28, 27.1);
  add("final round 2: the winner", 33, 31.0).config.context.n_ubatch = 1024;

  TuneRecord tune;
  tune.workload = "chat";
  tune.constraints.min_generation_tokens_per_second = 10.0;
  tune.baseline = 0;
  tune.winner = 8;
  const Turns turns = {{{11.5, 11.4}, {10.0, 10.0}}, {{0.5}, {0.44}}};
  tune.rounds = {{7, 8, 1.156}, {9, 10, 1.144, turns}};
  tune.speed_up = Estimate{1.15, 1.13, 1.17};
  tune.front = {{0, 8192}, {1, 32768}, {8, Absence{"not asked"}}};
  tune.verdict = "1.15 times as fast as llama.cpp's defaults (95 %: 1.13 to 1.17)";
  tune.ended = "everything is decided";
  run.tune = tune;
  run.analysis.optimum = 8;
  run.analysis.fastest = 8;
  run.profiles = {empty_profile("fast", "nothing"), empty_profile("balanced", "nothing"),
                  profile("performance", 8, run), profile("cpu_fallback", 1, run)};
  return run;
}

}  // namespace sweetspot::tests
