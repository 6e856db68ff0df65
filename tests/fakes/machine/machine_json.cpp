#include "machine/machine_json.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/json_reader.hpp"
#include "machine/published_curve.hpp"
#include "machine/random_pair.hpp"
#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

template <typename Owner, typename Value>
struct Field {
  const char* name;
  Value Owner::*member;
};

constexpr auto kProcessorNumbers = std::to_array<Field<Processor, double>>({
    {"bandwidth_gb_s", &Processor::bandwidth_gb_s},
    {"saturating_threads", &Processor::saturating_threads},
    {"gflops_per_core", &Processor::gflops_per_core},
    {"slow_core_speed", &Processor::slow_core_speed},
    {"second_thread_gain", &Processor::second_thread_gain},
    {"second_thread_loss", &Processor::second_thread_loss},
    {"block_overhead_us", &Processor::block_overhead_us},
    {"memory_total_gb", &Processor::memory_total_gb},
    {"memory_used_gb", &Processor::memory_used_gb},
    {"disk_gb_s", &Processor::disk_gb_s},
    {"cached_gb_s", &Processor::cached_gb_s},
});

constexpr auto kProcessorCounts = std::to_array<Field<Processor, int>>({
    {"physical_cores", &Processor::physical_cores},
    {"logical_cores", &Processor::logical_cores},
    {"fast_cores", &Processor::fast_cores},
});

constexpr auto kDeviceNumbers = std::to_array<Field<Accelerator, double>>({
    {"memory_total_gb", &Accelerator::memory_total_gb},
    {"memory_used_gb", &Accelerator::memory_used_gb},
    {"driver_share_mb", &Accelerator::driver_share_mb},
    {"pool_kb_per_ubatch_token", &Accelerator::pool_kb_per_ubatch_token},
    {"bandwidth_gb_s", &Accelerator::bandwidth_gb_s},
    {"tflops", &Accelerator::tflops},
    {"half_speed_tokens", &Accelerator::half_speed_tokens},
    {"best_ubatch", &Accelerator::best_ubatch},
    {"decline_per_doubling", &Accelerator::decline_per_doubling},
    {"block_overhead_us", &Accelerator::block_overhead_us},
    {"entry_ms", &Accelerator::entry_ms},
    {"link_gb_s", &Accelerator::link_gb_s},
    {"link_latency_us", &Accelerator::link_latency_us},
    {"attention_on", &Accelerator::attention_on},
    {"attention_off", &Accelerator::attention_off},
    {"spill_factor", &Accelerator::spill_factor},
    {"quirk_at", &Accelerator::quirk_at},
    {"quirk_size", &Accelerator::quirk_size},
});

constexpr auto kDeviceSwitches = std::to_array<Field<Accelerator, bool>>({
    {"integrated", &Accelerator::integrated},
    {"computes_host_weights", &Accelerator::computes_host_weights},
    {"flash_attention", &Accelerator::flash_attention},
});

constexpr auto kDeviceTexts = std::to_array<Field<Accelerator, std::string>>({
    {"id", &Accelerator::id},
    {"backend", &Accelerator::backend},
});

constexpr auto kDisturbances = std::to_array<Field<Disturbance, double>>({
    {"sample", &Disturbance::sample},
    {"stall_probability", &Disturbance::stall_probability},
    {"stall_low", &Disturbance::stall_low},
    {"stall_high", &Disturbance::stall_high},
    {"load_offset", &Disturbance::load_offset},
    {"drift", &Disturbance::drift},
    {"drift_period_seconds", &Disturbance::drift_period_seconds},
    {"ramp", &Disturbance::ramp},
    {"throttle_after_seconds", &Disturbance::throttle_after_seconds},
    {"throttle_slowdown", &Disturbance::throttle_slowdown},
    {"cooling_seconds", &Disturbance::cooling_seconds},
    {"neighbour_after_seconds", &Disturbance::neighbour_after_seconds},
    {"neighbour_seconds", &Disturbance::neighbour_seconds},
    {"neighbour_share", &Disturbance::neighbour_share},
});

constexpr auto kModelCounts = std::to_array<Field<Model, int>>({
    {"n_embd", &Model::n_embd},
    {"n_head", &Model::n_head},
    {"n_head_kv", &Model::n_head_kv},
    {"n_ff", &Model::n_ff},
    {"n_vocab", &Model::n_vocab},
    {"n_ctx_train", &Model::n_ctx_train},
    {"n_expert", &Model::n_expert},
    {"n_expert_used", &Model::n_expert_used},
});

constexpr auto kModelBytes = std::to_array<Field<Model, std::uint64_t>>({
    {"output_bytes", &Model::output_bytes},
    {"embedding_bytes", &Model::embedding_bytes},
});

constexpr auto kBlockBytes = std::to_array<Field<Block, std::uint64_t>>({
    {"bytes", &Block::bytes},
    {"expert_bytes", &Block::expert_bytes},
    {"ffn_bytes", &Block::ffn_bytes},
    {"kv_bytes_per_token", &Block::kv_bytes_per_token},
});

constexpr std::array<std::pair<const char*, Quirk>, 4> kQuirks = {
    {{"none", Quirk::none}, {"kink", Quirk::kink}, {"step", Quirk::step}, {"hump", Quirk::hump}}};

/// True, and the member set, where the table has that name.
template <typename Owner, typename Table>
bool set_one(Owner& owner, const Table& table, const std::string& name, const Json& value) {
  const auto field =
      std::find_if(table.begin(), table.end(), [&](const auto& each) { return name == each.name; });
  if (field == table.end()) return false;
  using Value = std::decay_t<decltype(owner.*(field->member))>;
  owner.*(field->member) = value_from<Value>(value, field->name);
  return true;
}

[[noreturn]] void refuse(const std::string& name) {
  throw nlohmann::json::other_error::create(598, "there is no parameter " + name, nullptr);
}

bool set_quirk(Accelerator& device, const std::string& name, const Json& value) {
  if (name != "quirk") return false;
  for (const auto& [text, quirk] : kQuirks) {
    if (value.get<std::string>() != text) continue;
    device.quirk = quirk;
    return true;
  }
  refuse("quirk " + value.get<std::string>());
}

void set_processor(Processor& cpu, const Json& json) {
  for (const auto& [name, value] : json.items()) {
    if (!set_one(cpu, kProcessorNumbers, name, value) &&
        !set_one(cpu, kProcessorCounts, name, value)) {
      refuse("processor." + name);
    }
  }
}

void set_device(Accelerator& device, const Json& json) {
  for (const auto& [name, value] : json.items()) {
    if (!set_one(device, kDeviceNumbers, name, value) &&
        !set_one(device, kDeviceSwitches, name, value) &&
        !set_one(device, kDeviceTexts, name, value) && !set_quirk(device, name, value)) {
      refuse("device." + name);
    }
  }
}

bool set_model_itself(Model& model, const std::string& name, const Json& value) {
  if (name == "bits_per_weight") {
    model.bits_per_weight = value.get<double>();
  } else if (name == "name") {
    model.name = value.get<std::string>();
  } else if (name == "architecture") {
    model.architecture = value.get<std::string>();
  } else if (name == "hybrid") {
    model.hybrid = value.get<bool>();
  } else if (name == "blocks") {
    model.blocks.resize(value_from<std::size_t>(value, "blocks"),
                        model.blocks.empty() ? Block{} : model.blocks.back());
  } else {
    return set_one(model, kModelCounts, name, value) || set_one(model, kModelBytes, name, value);
  }
  return true;
}

void set_model(Model& model, const Json& json) {
  for (const auto& [name, value] : json.items()) {
    bool known = set_model_itself(model, name, value);
    for (Block& block : model.blocks) known = set_one(block, kBlockBytes, name, value) || known;
    if (!known) refuse("model." + name);
  }
}

Parts plain_parts() {
  Parts parts;
  parts.model.blocks.assign(32, Block{130'000'000, 0, 95'000'000, 4096});
  parts.model.output_bytes = 105'000'000;
  parts.model.embedding_bytes = 72'000'000;
  return parts;
}

Parts recorded_parts(const std::string& name) {
  if (name == "rtx4050") return recorded_curve();
  const auto curves = read_curves(published_curves_path());
  if (!curves) refuse(curves.error().message);
  for (const PublishedCurve& curve : *curves) {
    if (curve.id == name) return machine_of(curve, cards().front());
  }
  refuse("recorded machine " + name);
}

Parts base_parts(const Json& json) {
  if (json.contains("recorded")) return recorded_parts(json.at("recorded").get<std::string>());
  if (!json.contains("seed")) return plain_parts();
  Wish wish;
  if (json.contains("linear")) wish.linear = json.at("linear").get<bool>();
  return random_pair(value_from<std::uint64_t>(json.at("seed"), "seed"), wish);
}

constexpr std::array<std::string_view, 4> kOtherMembers = {"seed", "linear", "recorded",
                                                           "clock_file"};

Parts read_parts(const Json& json) {
  Parts parts = base_parts(json);
  for (const auto& [name, value] : json.items()) {
    if (name == "processor") {
      set_processor(parts.processor, value);
    } else if (name == "device") {
      set_device(parts.device, value);
    } else if (name == "model") {
      set_model(parts.model, value);
    } else if (name == "disturbance") {
      for (const auto& [field, number] : value.items()) {
        if (!set_one(parts.disturbance, kDisturbances, field, number)) {
          refuse("disturbance." + field);
        }
      }
    } else if (std::find(kOtherMembers.begin(), kOtherMembers.end(), name) == kOtherMembers.end()) {
      refuse(name);
    }
  }
  return parts;
}

template <typename Owner, typename Table>
void put_all(Json& json, const Owner& owner, const Table& table) {
  for (const auto& field : table) json[field.name] = owner.*(field.member);
}

Json model_json(const Model& model) {
  Json json = {{"name", model.name}, {"blocks", model.blocks.size()}};
  put_all(json, model, kModelCounts);
  put_all(json, model, kModelBytes);
  json["bits_per_weight"] = model.bits_per_weight;
  json["hybrid"] = model.hybrid;
  json["size_bytes"] = model.size_bytes();
  return json;
}

}  // namespace

Result<Parts> parts_from_json(const Json& json) {
  const auto parts = guard([&] { return read_parts(json); }, "the machine");
  if (parts) return *parts;
  return error(ErrorKind::usage, parts.error().message);
}

Json to_json(const Parts& parts) {
  Json json = {{"name", parts.name}, {"model", model_json(parts.model)}};
  put_all(json["processor"], parts.processor, kProcessorNumbers);
  put_all(json["processor"], parts.processor, kProcessorCounts);
  put_all(json["device"], parts.device, kDeviceTexts);
  put_all(json["device"], parts.device, kDeviceNumbers);
  put_all(json["device"], parts.device, kDeviceSwitches);
  for (const auto& [text, quirk] : kQuirks) {
    if (quirk == parts.device.quirk) json["device"]["quirk"] = text;
  }
  put_all(json["disturbance"], parts.disturbance, kDisturbances);
  return json;
}

}  // namespace sweetspot::fake
