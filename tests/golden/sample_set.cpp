#include "golden/sample_set.hpp"

#include "core/no_device.hpp"
#include "golden/sample_run.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::tests {
namespace {

SavedProfile measured(const std::string& name, int layers, std::uint64_t need_bytes,
                      double tokens_per_second) {
  SavedProfile profile;
  profile.name = name;
  profile.recommended_for = "somebody";
  profile.config.placement.n_gpu_layers = layers;
  if (layers == 0) profile.config.placement = cpu_alone(profile.config.placement);
  profile.config.context.n_threads = 8;
  if (need_bytes > 0) {
    profile.needs = std::vector<DeviceNeed>{{"CUDA0", need_bytes}};
  } else {
    profile.needs = std::vector<DeviceNeed>{};
  }
  profile.host_bytes = 300 * kMiB;
  if (need_bytes > 0) {
    profile.libllama_needs = std::vector<DeviceNeed>{{"CUDA0", need_bytes + 60 * kMiB}};
  }
  profile.libllama_host_bytes = 310 * kMiB;
  profile.host_mapped_bytes = 200 * kMiB;
  profile.checkpoint_bytes = std::uint64_t{0};
  profile.tokens_per_second =
      Estimate{tokens_per_second, tokens_per_second - 0.25, tokens_per_second + 0.25};
  profile.prompt_tokens_per_second =
      Estimate{tokens_per_second * 20, tokens_per_second * 19, tokens_per_second * 21};
  profile.evidence = "measured 2026-11-23T17:48:10Z: a speed, whole context of 4096 held";
  return profile;
}

ProfileSet set_basis() {
  ProfileSet set;
  set.created_at = "2026-11-23T17:51:40Z";
  set.model = {"/models/zephyr-7b-beta.Q5_K_M.gguf", 5131000000, "0123456789abcdef"};
  set.model_name = "zephyr-7b-beta";
  set.offloadable_layers = 33;
  set.fingerprint = {"89abcdef01234567",
                     "0.7.0 build 11669",
                     "0.1.0",
                     "Some processor",
                     {"GGML_CUDA_FORCE_MMQ=1", "GGML_NO_BACKTRACE=1"}};
  return set;
}

}  // namespace

ProfileSet measured_set() {
  ProfileSet set = set_basis();
  SetDevice card{"CUDA0", "NVIDIA GeForce RTX 4050 Laptop GPU", "CUDA", {}, {}, {}, {}, {}, {}};
  card.pci_bus_id = std::string("0000:01:00.0");
  card.uuid = std::string("GPU-00000000-0000-0000-0000-000000000000");
  card.driver_version = std::string("550.54");
  card.memory_total_bytes = 6 * kGiB;
  card.memory_free_bytes = 6 * kGiB - 300 * kMiB;
  card.power_limit_w = Absence{"not supported by the driver"};
  set.devices = {card};
  set.profiles = {
      measured("performance", 33, 4690 * kMiB, 32.5), measured("tuned", 33, 4720 * kMiB, 32.4),
      measured("balanced", 30, 4080 * kMiB, 29.1),    measured("fast", 20, 2920 * kMiB, 23.4),
      measured("layers-10", 10, 1760 * kMiB, 18.2),   measured("cpu_fallback", 0, 0, 12.5)};
  set.profiles[1].config.context.n_ubatch = 1024;
  set.profiles[1].config.context.flash_attn = FlashAttention::on;
  set.profiles[5].prompt_tokens_per_second = Absence{"prompts were not measured"};
  LoadReport full{"performance", LoadResult::out_of_memory, "CUDA0", 4 * kGiB, {}, {}};
  full.peak_bytes = Absence{"not reported"};
  full.at = "2026-11-24T08:00:00Z";
  full.loader = {"llama-server", {"--ctx-size 8192"}};
  set.reports = {
      full, {"balanced", LoadResult::loaded, "", 4 * kGiB, 4100 * kMiB, "2026-11-24T08:00:05Z"}};
  return set;
}

ProfileSet planned_set() {
  ProfileSet set = set_basis();
  set.origin = Origin::planned;
  set.model_name = hostile_text();
  set.model.path = "/models/ein größeres Modell.gguf";
  set.fingerprint.model.clear();
  set.fingerprint.environment.clear();
  set.rpc = {"127.0.0.1:50052"};
  set.objective = Objective::request;
  set.workload = {1024, 256, 2048};
  set.bands = {40, 60, 90};
  const Absence no_driver{"not available for this device"};
  SetDevice rpc{"RPC0", "a stand-in", "RPC", no_driver, no_driver, no_driver, {}, {}, {}};
  rpc.memory_total_bytes = 8 * kGiB;
  rpc.memory_free_bytes = Absence{"the server does not tell"};
  rpc.power_limit_w = no_driver;
  SetDevice other = rpc;
  other.id = "RPC1";
  other.memory_total_bytes = Absence{"the server does not tell"};
  set.devices = {rpc, other};

  SavedProfile both = measured("layers-24", 24, 0, 1);
  both.origin = Origin::planned;
  both.needs = std::vector<DeviceNeed>{{"RPC0", 3 * kGiB}, {"RPC1", 2 * kGiB}};
  both.tokens_per_second = both.prompt_tokens_per_second = Absence{"planned, not measured"};
  both.config.placement.devices = {"RPC0", "RPC1"};
  both.config.placement.tensor_split = {3, 1.5};
  both.config.placement.override_tensor = {"ffn_.*_exps=CPU"};
  both.config.context.type_k = both.config.context.type_v = "q8_0";
  both.config.context.kv_unified = true;
  both.evidence = "planned 2026-11-23T17:48:10Z from llama.cpp's memory maps; nobody ran it";
  SavedProfile guess = both;
  guess.name = "performance";
  guess.origin = Origin::defaults;
  guess.config.placement.n_gpu_layers = -1;
  guess.evidence = "usual for a card of this size; nothing is known of the model";
  guess.needs = Absence{"not asked"};
  guess.host_bytes = guess.host_mapped_bytes = guess.checkpoint_bytes = Absence{"not asked"};
  SavedProfile cpu = measured("cpu_fallback", 0, 0, 2);
  cpu.origin = Origin::planned;
  cpu.evidence = both.evidence;
  cpu.tokens_per_second = cpu.prompt_tokens_per_second = Absence{"planned, not measured"};
  set.profiles = {both, guess, cpu};
  LoadReport crash{"layers-24", LoadResult::crashed, "RPC1", {}, {}, {}};
  crash.free_bytes = crash.peak_bytes = Absence{"not reported"};
  crash.at = "2026-11-24T08:00:00Z";
  set.reports = {crash};
  return set;
}

}  // namespace sweetspot::tests
