#include "core/config.hpp"

#include <algorithm>

#include "core/device.hpp"
#include "core/enum_names.hpp"
#include "core/model_info.hpp"
#include "core/sweep_record.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"

namespace sweetspot {
namespace {

constexpr EnumNames<FlashAttention, 3> kFlashAttention = {{
    {FlashAttention::automatic, "auto"},
    {FlashAttention::off, "off"},
    {FlashAttention::on, "on"},
}};

constexpr EnumNames<LoadMode, 6> kLoadModes = {{
    {LoadMode::automatic, "auto"},
    {LoadMode::none, "none"},
    {LoadMode::mmap, "mmap"},
    {LoadMode::mlock, "mlock"},
    {LoadMode::mmap_mlock, "mmap+mlock"},
    {LoadMode::direct_io, "dio"},
}};

constexpr EnumNames<SplitMode, 4> kSplitModes = {{
    {SplitMode::none, "none"},
    {SplitMode::layer, "layer"},
    {SplitMode::row, "row"},
    {SplitMode::tensor, "tensor"},
}};

constexpr EnumNames<Pooling, 6> kPoolings = {{
    {Pooling::of_model, "model"},
    {Pooling::none, "none"},
    {Pooling::mean, "mean"},
    {Pooling::cls, "cls"},
    {Pooling::last, "last"},
    {Pooling::rank, "rank"},
}};

constexpr EnumNames<ModelKind, 4> kModelKinds = {{
    {ModelKind::decoder, "decoder"},
    {ModelKind::encoder, "encoder"},
    {ModelKind::encoder_decoder, "encoder-decoder"},
    {ModelKind::diffusion, "diffusion"},
}};

constexpr EnumNames<HostProgram, 2> kHostPrograms = {{
    {HostProgram::llama_server, "llama-server"},
    {HostProgram::libllama, "libllama"},
}};

constexpr EnumNames<DeviceType, 4> kDeviceTypes = {{
    {DeviceType::cpu, "cpu"},
    {DeviceType::gpu, "gpu"},
    {DeviceType::igpu, "igpu"},
    {DeviceType::accel, "accel"},
}};

constexpr EnumNames<StopReason, 4> kStopReasons = {{
    {StopReason::precision, "precision"},
    {StopReason::time_cap, "time-cap"},
    {StopReason::outrun, "outrun"},
    {StopReason::sample_cap, "sample-cap"},
}};

constexpr EnumNames<FullDepth, 3> kFullDepths = {{
    {FullDepth::verified, "verified"},
    {FullDepth::failed, "failed"},
    {FullDepth::not_tried, "not-tried"},
}};

constexpr EnumNames<Objective, 4> kObjectives = {{{Objective::request, "request"},
                                                  {Objective::generation, "generation"},
                                                  {Objective::prompt, "prompt"},
                                                  {Objective::energy, "energy"}}};

constexpr EnumNames<Extent, 3> kExtents = {{{Extent::full, "full"},
                                            {Extent::speeds, "speeds"},
                                            {Extent::generation_only, "generation-only"}}};

constexpr EnumNames<Standing, 5> kStandings = {{{Standing::measured, "measured"},
                                                {Standing::predicted, "predicted"},
                                                {Standing::does_not_fit, "does-not-fit"},
                                                {Standing::failed, "failed"},
                                                {Standing::not_tried, "not-tried"}}};

constexpr EnumNames<Disturbance, 3> kDisturbances = {{
    {Disturbance::throttled, "throttled"},
    {Disturbance::contended, "contended"},
    {Disturbance::spilled, "spilled"},
}};

constexpr EnumNames<Contended, 2> kContended = {
    {{Contended::device, "device"}, {Contended::processor, "processor"}}};

}  // namespace

std::string_view to_string(HostProgram value) { return name_of(kHostPrograms, value); }
std::optional<HostProgram> host_program_from_string(std::string_view text) {
  return value_of(kHostPrograms, text);
}

std::string_view to_string(FlashAttention value) { return name_of(kFlashAttention, value); }
std::optional<FlashAttention> flash_attention_from_string(std::string_view text) {
  return value_of(kFlashAttention, text);
}

std::string_view to_string(LoadMode value) { return name_of(kLoadModes, value); }
std::optional<LoadMode> load_mode_from_string(std::string_view text) {
  return value_of(kLoadModes, text);
}

std::string_view to_string(SplitMode value) { return name_of(kSplitModes, value); }
std::optional<SplitMode> split_mode_from_string(std::string_view text) {
  return value_of(kSplitModes, text);
}

std::string_view to_string(Pooling value) { return name_of(kPoolings, value); }
std::optional<Pooling> pooling_from_string(std::string_view text) {
  return value_of(kPoolings, text);
}

std::string_view to_string(ModelKind kind) { return name_of(kModelKinds, kind); }
std::optional<ModelKind> model_kind_from_string(std::string_view text) {
  return value_of(kModelKinds, text);
}

std::string_view to_string(DeviceType type) { return name_of(kDeviceTypes, type); }
std::optional<DeviceType> device_type_from_string(std::string_view text) {
  return value_of(kDeviceTypes, text);
}

std::string_view to_string(StopReason reason) { return name_of(kStopReasons, reason); }
std::string_view to_string(Objective objective) { return name_of(kObjectives, objective); }
std::optional<Objective> objective_from_string(std::string_view text) {
  return value_of(kObjectives, text);
}
std::string_view to_string(Extent extent) { return name_of(kExtents, extent); }
std::string_view to_string(Standing standing) { return name_of(kStandings, standing); }
std::string_view to_string(FullDepth state) { return name_of(kFullDepths, state); }

std::string_view to_string(Disturbance disturbance) { return name_of(kDisturbances, disturbance); }
std::optional<Disturbance> disturbance_from_string(std::string_view text) {
  return value_of(kDisturbances, text);
}

std::string_view to_string(Contended what) { return name_of(kContended, what); }

// A device is what is usually meant.
std::string label_of(const Trial& trial, Disturbance disturbance) {
  std::string label(to_string(disturbance));
  if (disturbance != Disturbance::contended || !trial.shares(Contended::processor)) return label;
  if (trial.shares(Contended::device)) label += ", device";
  return label + ", processor";
}

std::uint32_t context_parts(const ContextSettings& context) {
  return context.kv_unified || context.n_parallel < 2 ? 1 : context.n_parallel;
}

int effective_layers(int requested, int offloadable) {
  if (requested < 0) return offloadable;
  return std::min(requested, offloadable);
}

}  // namespace sweetspot
