#include "core/json.hpp"

#include <array>
#include <utility>

#include "core/json_fields.hpp"
#include "core/knobs.hpp"

namespace sweetspot {
namespace {

Json knob_to_json(const KnobValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

// The text a knob's set() takes for what its get() gave.
std::string knob_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_array()) {
    std::string joined;
    for (const Json& item : value) {
      if (!joined.empty()) joined += ',';
      joined += item.is_number() ? item.dump() : item.get<std::string>();
    }
    return joined;
  }
  return std::to_string(checked<std::int64_t>(value, "knob"));
}

Json raw_to_json(const std::vector<Sample>& samples) {
  Json start = Json::array();
  Json duration = Json::array();
  Json tokens = Json::array();
  for (const Sample& sample : samples) {
    start.push_back(sample.start_ms);
    duration.push_back(sample.duration_ms);
    tokens.push_back(sample.tokens);
  }
  return {{"start_ms", start}, {"duration_ms", duration}, {"tokens", tokens}};
}

Json speed_to_json(const std::optional<Speed>& speed) {
  if (!speed) return nullptr;
  Json json = {{"tokens_per_second", speed->tokens_per_second.value},
               {"ci95_low", speed->tokens_per_second.low},
               {"ci95_high", speed->tokens_per_second.high},
               {"ms_per_token", speed->ms_per_token.value},
               {"samples", speed->samples},
               {"warm_up_cut", speed->warm_up_cut},
               {"stop_reason", to_string(speed->stop_reason)},
               {"target_half_width", speed->target_half_width}};
  put(json, "p50_ms", speed->p50_ms);
  put(json, "p90_ms", speed->p90_ms);
  put(json, "p95_ms", speed->p95_ms);
  put(json, "p99_ms", speed->p99_ms);
  put(json, "joules_per_token", speed->joules_per_token);
  json["energy_source"] = speed->energy_source;
  json["raw"] = raw_to_json(speed->raw);
  return json;
}

Reading<Json> throttle_times_to_json(const Reading<std::vector<ThrottleTime>>& times) {
  if (!times) return Absence{times.reason()};
  Json list = Json::array();
  for (const ThrottleTime& time : *times)
    list.push_back({{"reason", time.reason}, {"ms", time.ms}});
  return list;
}

Json telemetry_to_json(const Telemetry& telemetry) {
  Json json = {{"samples", telemetry.samples}};
  put(json, "utilisation_percent", telemetry.utilisation_percent);
  put(json, "temperature_start_c", telemetry.temperature_start_c);
  put(json, "temperature_max_c", telemetry.temperature_max_c);
  put(json, "power_w", telemetry.power_w);
  put(json, "graphics_clock_mhz", telemetry.graphics_clock_mhz);
  put(json, "graphics_clock_min_mhz", telemetry.graphics_clock_min_mhz);
  put(json, "graphics_clock_limit_mhz", telemetry.graphics_clock_limit_mhz);
  put(json, "throttle_reasons", telemetry.throttle_reasons);
  put(json, "throttle_times", throttle_times_to_json(telemetry.throttle_times));
  return json;
}

Json optional_index(const std::optional<std::size_t>& index) {
  return index ? Json(*index) : Json(nullptr);
}

Json analysis_to_json(const Analysis& analysis) {
  Json json = {{"optimum", optional_index(analysis.optimum)},
               {"fastest", optional_index(analysis.fastest)},
               {"tied_with_optimum", analysis.tied_with_optimum}};
  put(json, "speed_up_over_cpu", analysis.speed_up_over_cpu);
  put(json, "vram_bytes_per_layer", analysis.vram_bytes_per_layer);
  put(json, "diminishing_after_layers", analysis.diminishing_after_layers);
  put(json, "temperature_rise_c", analysis.temperature_rise_c);
  return json;
}

Json profile_to_json(const Profile& profile) {
  Json json = {{"name", profile.name},
               {"recommended_for", profile.recommended_for},
               {"result", optional_index(profile.result_index)}};
  if (!profile.result_index) {
    json["reason"] = profile.reason;
    for (const char* field : {"n_gpu_layers", "n_ctx", "n_batch"}) {
      json[field] = nullptr;
      json["absent"][field] = profile.reason;
    }
  } else {
    json["reason"] = nullptr;
    json["n_gpu_layers"] = profile.n_gpu_layers;
    json["n_ctx"] = profile.n_ctx;
    json["n_batch"] = profile.n_batch;
  }
  put(json, "vram_bytes", profile.vram_bytes);
  put(json, "vram_percent", profile.vram_percent);
  put(json, "tokens_per_second", profile.tokens_per_second);
  put(json, "prompt_tokens_per_second", profile.prompt_tokens_per_second);
  return json;
}

Json machine_to_json(const Machine& machine) {
  Json json = {{"os", machine.os},
               {"kernel", machine.kernel},
               {"cpu", machine.cpu},
               {"physical_cores", machine.physical_cores},
               {"logical_cores", machine.logical_cores},
               {"usable_threads", machine.usable_threads},
               {"most_threads", machine.most_threads},
               {"environment", machine.environment}};
  put(json, "cpu_quota", machine.cpu_quota);
  put(json, "memory_total_bytes", machine.memory_total_bytes);
  put(json, "memory_available_bytes", machine.memory_available_bytes);
  return json;
}

Json settings_to_json(const RunSettings& settings) {
  Json json = {{"mode", settings.mode},
               {"precision", settings.precision},
               {"max_seconds", settings.max_seconds},
               {"rpc", settings.rpc},
               {"bands",
                {{"fast_percent", settings.bands.fast_percent},
                 {"balanced_percent", settings.bands.balanced_percent},
                 {"performance_percent", settings.bands.performance_percent}}}};
  put(json, "vram_limit_bytes", settings.vram_limit_bytes);
  return json;
}

Json stamp_to_json(const FileStamp& stamp) {
  return {{"path", stamp.path},
          {"size_bytes", stamp.size_bytes},
          {"mtime_ns", stamp.mtime_ns},
          {"inode", stamp.inode}};
}

}  // namespace

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

Result<Json> parse_json(std::string_view text) {
  return guard([&] { return Json::parse(text); }, "not JSON");
}

Json to_json(const Device& device) {
  Json json = {{"id", device.id},
               {"description", device.description},
               {"backend", device.backend},
               {"type", to_string(device.type)}};
  put(json, "pci_bus_id", device.pci_bus_id);
  put(json, "memory_total_bytes", device.memory_total_bytes);
  put(json, "memory_free_bytes", device.memory_free_bytes);
  return json;
}

namespace {

// A device that misleads here has other virtues: what it can have is unknown, and it stays.
Reading<std::uint64_t> plausible_memory(const Json& json, const char* field) {
  Reading<std::uint64_t> bytes = take<std::uint64_t>(json, field);
  if (!bytes || holds(kPlausibleBytes, *bytes)) return bytes;
  return Absence{"ggml reports more memory than any device has"};
}

}  // namespace

Device device_from_json(const Json& json) {
  Device device;
  device.id = json.at("id").get<std::string>();
  device.description = json.at("description").get<std::string>();
  device.backend = json.at("backend").get<std::string>();
  device.type = enum_at<DeviceType>(json, "type", device_type_from_string);
  device.pci_bus_id = take<std::string>(json, "pci_bus_id");
  device.memory_total_bytes = plausible_memory(json, "memory_total_bytes");
  device.memory_free_bytes = plausible_memory(json, "memory_free_bytes");
  return device;
}

Json to_json(const DeviceStatus& status) {
  Json json = {{"driver", status.driver}, {"memory_source", status.memory_source}};
  put(json, "pci_bus_id", status.pci_bus_id);
  put(json, "name", status.name);
  put(json, "uuid", status.uuid);
  put(json, "driver_version", status.driver_version);
  put(json, "memory_total_bytes", status.memory_total_bytes);
  put(json, "memory_used_bytes", status.memory_used_bytes);
  put(json, "memory_free_bytes", status.memory_free_bytes);
  put(json, "memory_reserved_bytes", status.memory_reserved_bytes);
  put(json, "spilled_bytes", status.spilled_bytes);
  put(json, "utilisation_percent", status.utilisation_percent);
  put(json, "temperature_c", status.temperature_c);
  put(json, "power_w", status.power_w);
  put(json, "power_limit_w", status.power_limit_w);
  put(json, "graphics_clock_mhz", status.graphics_clock_mhz);
  put(json, "memory_clock_mhz", status.memory_clock_mhz);
  put(json, "throttle_reasons", status.throttle_reasons);
  return json;
}

Json to_json(const DeviceReport& report) {
  Json json = to_json(report.device);
  if (report.status.has_value()) {
    json["status"] = to_json(report.status.value());
  } else {
    json["status"] = nullptr;
    json["absent"]["status"] = report.status.reason();
  }
  return json;
}

Json to_json(const ModelInfo& model) {
  Json json = {{"path", model.path},
               {"files", array_of(model.files, stamp_to_json)},
               {"fingerprint", model.fingerprint},
               {"architecture", model.architecture},
               {"quantization", model.quantization},
               {"n_params", model.n_params},
               {"size_bytes", model.size_bytes},
               {"n_layer", model.n_layer},
               {"offloadable_layers", model.offloadable_layers()},
               {"n_ctx_train", model.n_ctx_train},
               {"n_embd", model.n_embd},
               {"n_vocab", model.n_vocab},
               {"n_expert", model.n_expert},
               {"n_expert_used", model.n_expert_used},
               {"recurrent", model.recurrent},
               {"hybrid", model.hybrid},
               {"kind", to_string(model.kind)},
               {"non_layer_bytes", model.non_layer_bytes}};
  put(json, "name", model.name);
  put(json, "n_head", model.n_head);
  put(json, "n_head_kv", model.n_head_kv);
  put(json, "n_ff", model.n_ff);
  put(json, "pooling", model.pooling);
  json["layers"] = array_of(model.layers, [](const LayerSize& layer) -> Json {
    return {{"block", layer.block}, {"bytes", layer.bytes}, {"expert_bytes", layer.expert_bytes}};
  });
  return json;
}

ModelInfo model_info_from_json(const Json& json) {
  ModelInfo model;
  model.path = json.at("path").get<std::string>();
  for (const Json& file : json.at("files")) {
    model.files.push_back({file.at("path").get<std::string>(),
                           number_at<std::uint64_t>(file, "size_bytes", kPlausibleBytes),
                           number_at<std::int64_t>(file, "mtime_ns"),
                           number_at<std::uint64_t>(file, "inode")});
  }
  model.fingerprint = json.at("fingerprint").get<std::string>();
  model.architecture = json.at("architecture").get<std::string>();
  model.quantization = json.at("quantization").get<std::string>();
  model.n_params = number_at<std::uint64_t>(json, "n_params", kPlausibleParameters);
  model.size_bytes = number_at<std::uint64_t>(json, "size_bytes", kPlausibleBytes);
  model.n_layer = number_at<int>(json, "n_layer", kPlausibleBlocks);
  model.n_ctx_train = number_at<int>(json, "n_ctx_train", kStatedTokens);
  model.n_embd = number_at<int>(json, "n_embd", kPlausibleWidth);
  model.n_vocab = number_at<int>(json, "n_vocab", kPlausibleVocabulary);
  model.n_expert = number_at<int>(json, "n_expert", kPlausibleExperts);
  model.n_expert_used = number_at<int>(json, "n_expert_used", kPlausibleExperts);
  model.recurrent = json.at("recurrent").get<bool>();
  model.hybrid = json.at("hybrid").get<bool>();
  model.non_layer_bytes = number_at<std::uint64_t>(json, "non_layer_bytes", kPlausibleBytes);
  model.name = take<std::string>(json, "name");
  model.n_head = take<int>(json, "n_head", kPlausibleWidth);
  model.n_head_kv = take<int>(json, "n_head_kv", kPlausibleWidth);
  model.n_ff = take<int>(json, "n_ff", kPlausibleWidth);
  model.kind = enum_at<ModelKind>(json, "kind", model_kind_from_string);
  model.pooling = take<std::string>(json, "pooling");
  for (const Json& layer : json.at("layers")) {
    model.layers.push_back({number_at<int>(layer, "block", kPlausibleBlocks),
                            number_at<std::uint64_t>(layer, "bytes", kPlausibleBytes),
                            number_at<std::uint64_t>(layer, "expert_bytes", kPlausibleBytes)});
  }
  return model;
}

Json to_json(const Engine& engine) {
  return {{"llama_version", engine.llama_version}, {"llama_build", engine.llama_build},
          {"ggml_version", engine.ggml_version},   {"ggml_commit", engine.ggml_commit},
          {"backends", engine.backends},           {"system_info", engine.system_info}};
}

Engine engine_from_json(const Json& json) {
  Engine engine;
  engine.llama_version = json.at("llama_version").get<std::string>();
  engine.llama_build = json.at("llama_build").get<std::string>();
  engine.ggml_version = json.at("ggml_version").get<std::string>();
  engine.ggml_commit = json.at("ggml_commit").get<std::string>();
  engine.backends = json.at("backends").get<std::vector<std::string>>();
  engine.system_info = json.at("system_info").get<std::string>();
  return engine;
}

Json to_json(const Config& config) {
  Json json = Json::object();
  for (const Knob& knob : knobs()) json[std::string(knob.name)] = knob_to_json(knob.get(config));
  json["host_program"] = to_string(config.context.host_program);
  return json;
}

Config config_from_json(const Json& json) {
  Config config;
  for (const Knob& knob : knobs()) {
    const auto field = json.find(std::string(knob.name));
    if (field == json.end()) continue;
    if (field->is_array() && field->empty()) continue;
    if (const Status status = knob.set(config, knob_text(*field)); !status) {
      throw nlohmann::json::other_error::create(599, status.error().message, &json);
    }
  }
  if (json.contains("host_program")) {
    config.context.host_program =
        enum_at<HostProgram>(json, "host_program", host_program_from_string);
  }
  return config;
}

Json to_json(const EffectiveConfig& effective) {
  Json json = {{"n_ctx", effective.n_ctx},
               {"n_batch", effective.n_batch},
               {"n_ubatch", effective.n_ubatch},
               {"n_threads", effective.n_threads},
               {"n_threads_batch", effective.n_threads_batch}};
  put(json, "n_gpu_layers", effective.n_gpu_layers);
  put(json, "flash_attn", effective.flash_attn);
  put(json, "type_k", effective.type_k);
  put(json, "type_v", effective.type_v);
  return json;
}

EffectiveConfig effective_config_from_json(const Json& json) {
  EffectiveConfig effective;
  effective.n_ctx = number_at<std::uint32_t>(json, "n_ctx", kPlausibleTokens);
  effective.n_batch = number_at<std::uint32_t>(json, "n_batch", kPlausibleTokens);
  effective.n_ubatch = number_at<std::uint32_t>(json, "n_ubatch", kPlausibleTokens);
  effective.n_threads = number_at<int>(json, "n_threads", kPlausibleThreads);
  effective.n_threads_batch = number_at<int>(json, "n_threads_batch", kPlausibleThreads);
  effective.n_gpu_layers = take<int>(json, "n_gpu_layers", kPlausibleBlocks);
  effective.flash_attn = take<std::string>(json, "flash_attn");
  effective.type_k = take<std::string>(json, "type_k");
  effective.type_v = take<std::string>(json, "type_v");
  return effective;
}

Json to_json(const Workload& workload) {
  return {{"n_prompt", workload.n_prompt},
          {"n_gen", workload.n_gen},
          {"n_depth", workload.n_depth},
          {"n_parallel", workload.n_parallel}};
}

Json to_json(const MemoryMap& memory) {
  return array_of(memory, [](const DeviceMemory& device) -> Json {
    return {{"id", device.id},
            {"model_bytes", device.model_bytes},
            {"context_bytes", device.context_bytes},
            {"compute_bytes", device.compute_bytes},
            {"mapped_bytes", device.mapped_bytes}};
  });
}

MemoryMap memory_map_from_json(const Json& json) {
  MemoryMap memory;
  for (const Json& device : json) {
    memory.push_back({device.at("id").get<std::string>(),
                      number_at<std::uint64_t>(device, "model_bytes", kPlausibleBytes),
                      number_at<std::uint64_t>(device, "context_bytes", kPlausibleBytes),
                      number_at<std::uint64_t>(device, "compute_bytes", kPlausibleBytes),
                      number_at<std::uint64_t>(device, "mapped_bytes", kPlausibleBytes)});
  }
  return memory;
}

Json to_json(const PlannedMemory& planned) {
  return {
      {"memory", to_json(planned.memory)}, {"n_ctx", planned.n_ctx}, {"problem", planned.problem}};
}

PlannedMemory planned_memory_from_json(const Json& json) {
  return {memory_map_from_json(json.at("memory")),
          number_at<std::uint32_t>(json, "n_ctx", kPlausibleTokens),
          json.at("problem").get<std::string>()};
}

Json to_json(const Failure& failure) {
  return {{"class", to_string(failure.failure_class)},
          {"phase", to_string(failure.phase)},
          {"message", failure.message},
          {"signal", failure.signal ? Json(*failure.signal) : Json(nullptr)},
          {"stderr_tail", failure.stderr_tail}};
}

namespace {

Json curve_point_to_json(const CurvePoint& point) {
  Json json = {{"layers", point.layers}, {"standing", to_string(point.standing)}};
  json["generation_ms_per_token"] =
      point.generation_ms ? estimate_to_json(*point.generation_ms) : Json(nullptr);
  json["full_depth_ms_per_token"] =
      point.full_depth_ms ? estimate_to_json(*point.full_depth_ms) : Json(nullptr);
  put(json, "vram_bytes", point.vram_bytes);
  put(json, "vram_percent", point.vram_percent);
  json["note"] = point.note;
  return json;
}

Json decision_to_json(const Decision& decision) {
  return {{"name", decision.name},
          {"layers", decision.layers ? Json(*decision.layers) : Json(nullptr)},
          {"settled", decision.settled},
          {"doubt", decision.doubt ? Json(*decision.doubt) : Json(nullptr)},
          {"sentence", decision.sentence}};
}

Json time_model_to_json(const TimeModelRecord& model) {
  return {{"formula", model.formula},
          {"terms", array_of(model.terms,
                             [](const ModelTerm& term) -> Json {
                               return {{"name", term.name},
                                       {"meaning", term.meaning},
                                       {"value", term.value},
                                       {"sd", term.sd}};
                             })},
          {"deviation", model.deviation},
          {"between_loads", model.between_loads},
          {"linear", model.linear},
          {"observations", model.observations}};
}

Json divergence_to_json(const Divergence& divergence) {
  return {{"positions", divergence.positions},
          {"mean", divergence.mean},
          {"p99", divergence.p99},
          {"max", divergence.max},
          {"same_top", divergence.same_top}};
}

Json constraints_to_json(const TuneConstraints& constraints) {
  Json json = {{"max_vram_percent", constraints.max_vram_percent}};
  put(json, "min_generation_tokens_per_second", constraints.min_generation_tokens_per_second);
  put(json, "min_prompt_tokens_per_second", constraints.min_prompt_tokens_per_second);
  return json;
}

Json front_point_to_json(const FrontPoint& point) {
  Json json = {{"result", point.result}};
  put(json, "largest_ctx", point.largest_ctx);
  return json;
}

Json tune_to_json(const TuneRecord& tune) {
  const auto index = [](const std::optional<std::size_t>& at) {
    return at ? Json(*at) : Json(nullptr);
  };
  return {{"workload", tune.workload},
          {"objective", to_string(tune.objective)},
          {"constraints", constraints_to_json(tune.constraints)},
          {"baseline", index(tune.baseline)},
          {"winner", index(tune.winner)},
          {"rounds", array_of(tune.rounds,
                              [](const TuneRound& round) -> Json {
                                return {{"baseline", round.baseline},
                                        {"winner", round.winner},
                                        {"speed_up", round.speed_up}};
                              })},
          {"speed_up", tune.speed_up ? estimate_to_json(*tune.speed_up) : Json(nullptr)},
          {"front", array_of(tune.front, front_point_to_json)},
          {"verdict", tune.verdict},
          {"ended", tune.ended}};
}

Json slices_to_json(const SliceRecord& slices) {
  return {{"weight_share", slices.weight_share},
          {"small_read_bytes", slices.small_read_bytes},
          {"cache_bytes", slices.cache_bytes},
          {"rounds", slices.rounds},
          {"seconds", slices.seconds},
          {"cpu_block_ms", slices.cpu_block_ms},
          {"device_block_ms", slices.device_block_ms},
          {"crossing_ms", slices.crossing_ms},
          {"notes", slices.notes}};
}

Json depth_to_json(const DepthRecord& depth) {
  return {{"cpu_ms_per_1000_tokens", depth.cpu_ms},
          {"cpu_sd_ms", depth.cpu_sd_ms},
          {"device_ms_per_1000_tokens", depth.device_ms},
          {"device_sd_ms", depth.device_sd_ms},
          {"observations", depth.observations}};
}

Json sweep_to_json(const SweepRecord& sweep) {
  return {{"tolerance", sweep.tolerance},
          {"confidence", sweep.confidence},
          {"ended", sweep.ended},
          {"slices", sweep.slices ? slices_to_json(*sweep.slices) : Json(nullptr)},
          {"curve", array_of(sweep.curve, curve_point_to_json)},
          {"decisions", array_of(sweep.decisions, decision_to_json)},
          {"time_model", sweep.generation ? time_model_to_json(*sweep.generation) : Json(nullptr)},
          {"depth", sweep.depth ? depth_to_json(*sweep.depth) : Json(nullptr)}};
}

}  // namespace

Json to_json(const Trial& trial) {
  Json json = {{"requested_layers", trial.requested_layers},
               {"layers", trial.layers},
               {"status", trial.measured() ? "measured" : "failed"},
               {"error", trial.failure ? to_json(*trial.failure) : Json(nullptr)},
               {"started_at", trial.started_at},
               {"extent", to_string(trial.extent)},
               {"title", trial.title},
               {"reason", trial.reason},
               {"config", to_json(trial.config)},
               {"effective", trial.effective ? to_json(*trial.effective) : Json(nullptr)},
               {"workload", to_json(trial.workload)},
               {"devices", to_json(trial.memory)},
               {"predicted", trial.predicted ? to_json(*trial.predicted) : Json(nullptr)}};
  if (!trial.predicted) json["absent"]["predicted"] = trial.predicted.reason();
  put(json, "missing_bytes", trial.missing_bytes);
  put(json, "vram_used_bytes", trial.vram_used_bytes);
  put(json, "vram_percent", trial.vram_percent);
  json["vram_source"] = trial.vram_source;
  put(json, "driver_rise_bytes", trial.driver_rise_bytes);
  put(json, "used_by_others_bytes", trial.used_by_others_bytes);
  put(json, "load_seconds", trial.load_seconds);
  json["prompt"] = speed_to_json(trial.prompt);
  json["generation"] = speed_to_json(trial.generation);
  const Reading<Estimate> inputs = trial.inputs_per_second();
  json["inputs_per_second"] = inputs ? estimate_to_json(*inputs) : Json(nullptr);
  if (!inputs) json["absent"]["inputs_per_second"] = inputs.reason();
  json["telemetry"] = telemetry_to_json(trial.telemetry);
  json["divergence"] = trial.divergence ? divergence_to_json(*trial.divergence) : Json(nullptr);
  json["full_depth"] = {
      {"state", to_string(trial.full_depth)},
      {"note", trial.full_depth_note},
      {"ms_per_token",
       trial.full_depth_ms ? estimate_to_json(*trial.full_depth_ms) : Json(nullptr)}};
  json["disturbances"] = Json::array();
  for (const Disturbance one : trial.disturbances) json["disturbances"].push_back(to_string(one));
  json["contended_for"] = Json::array();
  for (const Contended one : trial.contended_for) json["contended_for"].push_back(to_string(one));
  json["too_uncertain"] = trial.uncertain();
  put(json, "processor_wait_percent", trial.processor_wait_percent);
  put(json, "processor_pressure_percent", trial.processor_pressure_percent);
  json["notes"] = trial.notes;
  return json;
}

Json to_json(const Run& run) {
  Json json = {
      {"schema", "sweetspot.run/1"},
      {"tool", {{"name", "sweetspot"}, {"version", run.tool_version}}},
      {"started_at", run.started_at},
      {"finished_at", run.finished_at.empty() ? Json(nullptr) : Json(run.finished_at)},
      {"complete", run.settings.complete},
      {"engine", to_json(run.engine)},
      {"machine", machine_to_json(run.machine)},
      {"devices",
       array_of(run.devices, [](const DeviceReport& report) { return to_json(report); })},
      {"model", to_json(run.model)},
      {"settings", settings_to_json(run.settings)},
      {"base_config", to_json(run.base_config)},
      {"workload", to_json(run.workload)},
      {"results", array_of(run.results, [](const Trial& trial) { return to_json(trial); })},
      {"sweep", run.sweep ? sweep_to_json(*run.sweep) : Json(nullptr)},
      {"tune", run.tune ? tune_to_json(*run.tune) : Json(nullptr)},
      {"analysis", analysis_to_json(run.analysis)},
      {"profiles", array_of(run.profiles, profile_to_json)},
      {"notices", run.notices}};
  put(json, "checkpoint_bytes", run.checkpoint_bytes);
  return json;
}

}  // namespace sweetspot
