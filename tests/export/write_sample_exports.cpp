// Writes configs of any kind in every format, one JSON object a line, for round_trip_test.py: first
// the knobs, then each config with what the formats say of it.
#include <fmt/format.h>

#include <cstdlib>
#include <random>
#include <string>

#include "core/json.hpp"
#include "core/knobs.hpp"
#include "core/no_device.hpp"
#include "export/export.hpp"
#include "export/llama_names.hpp"

namespace sweetspot::exporting {
namespace {

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}

  std::size_t below(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(engine_);
  }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <typename T>
  T of(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }

 private:
  std::mt19937 engine_;
};

Placement any_placement(Dice& dice) {
  Placement placement;
  placement.n_gpu_layers = dice.of({-1, 0, 1, 20, 33});
  placement.devices =
      dice.of<std::vector<std::string>>({{}, {}, {"CUDA1"}, {"CUDA12"}, {"CUDA0", "RPC1"}});
  placement.load_mode =
      dice.of({LoadMode::automatic, LoadMode::automatic, LoadMode::none, LoadMode::mmap,
               LoadMode::mlock, LoadMode::mmap_mlock, LoadMode::direct_io});
  placement.split_mode = dice.of(
      {SplitMode::layer, SplitMode::layer, SplitMode::none, SplitMode::row, SplitMode::tensor});
  placement.tensor_split = dice.of<std::vector<double>>({{}, {3, 1}, {0.125, 1.5, 7}});
  placement.main_gpu = dice.of({0, 0, 1});
  if (dice.one_in(3)) placement.n_cpu_moe = dice.of({1, 32});
  if (dice.one_in(4)) placement.n_cpu_ffn = dice.of({1, 9});
  if (dice.one_in(4)) placement.override_tensor = {"blk\\.[0-9]+\\.ffn.*=CPU", "output=CUDA0"};
  return dice.one_in(6) ? cpu_alone(placement) : placement;
}

ContextSettings any_context(Dice& dice) {
  ContextSettings context;
  context.n_ctx = dice.of({512U, 4096U, 131072U});
  context.n_batch = dice.of({512U, 2048U});
  context.n_ubatch = dice.of({64U, 512U, 2048U});
  for (std::string* type : {&context.type_k, &context.type_v}) {
    *type = dice.of<const char*>({"f16", "f16", "q8_0", "q4_0", "bf16", "iq4_nl", "f32"});
  }
  if (dice.one_in(2)) context.type_v = context.type_k;
  context.flash_attn =
      dice.of({FlashAttention::automatic, FlashAttention::on, FlashAttention::off});
  context.n_parallel = dice.of({1U, 1U, 4U});
  context.kv_unified = dice.one_in(3);
  context.kv_offload = !dice.one_in(3);
  context.swa_full = dice.one_in(3);
  if (dice.one_in(5)) {
    context.embeddings = true;
    context.pooling = dice.of({Pooling::of_model, Pooling::mean, Pooling::last});
  }
  context.n_threads = dice.of({0, 6});
  context.n_threads_batch = dice.of({0, 0, 8});
  return context;
}

ServerSettings any_server(Dice& dice) {
  return {dice.of({8192, 8192, 0, -1}), dice.of({32, 32, 4})};
}

ExportJob any_job(unsigned seed) {
  Dice dice(seed);
  ExportJob job;
  job.config = {any_placement(dice), any_context(dice), any_server(dice)};
  job.model_path = dice.of<const char*>(
      {"/m/small.gguf", "/m/large-00001-of-00003.gguf", "/m/it's a \"model\" $x.gguf"});
  job.name = fmt::format("sample-{}", seed);
  if (dice.one_in(2)) job.rpc = {"10.0.0.1:50052", "10.0.0.2:50052"};
  job.offloadable_layers = 33;
  job.backend = dice.of<const char*>({"CUDA", "Vulkan", ""});
  return job;
}

Json texts_of(const Config& config) {
  Json texts = Json::object();
  for (const Knob& knob : knobs()) texts[std::string(knob.name)] = knob_text(knob.get(config));
  return texts;
}

Json sample(unsigned seed) {
  const ExportJob job = any_job(seed);
  Json json = {{"name", job.name},       {"knobs", texts_of(job.config)},
               {"path", job.model_path}, {"rpc", job.rpc},
               {"backend", job.backend}, {"layers", job.offloadable_layers}};
  for (const Format format : formats()) {
    const auto exported = export_as(format, job);
    json["formats"][std::string(to_string(format))] =
        exported ? Json{{"text", exported->text}, {"notes", exported->notes}}
                 : Json{{"refused", exported.error().message}};
  }
  return json;
}

void write_samples(unsigned count) {
  Json table = Json::array();
  for (const Knob& knob : knobs()) {
    table.push_back({{"name", knob.name},
                     {"flags", knob.flags},
                     {"switch", is_switch(knob)},
                     {"server_only", knob.server_only},
                     {"usual", knob_text(knob.get(Config{}))}});
  }
  fmt::print("{}\n", dump(table));
  for (unsigned seed = 0; seed < count; ++seed) fmt::print("{}\n", dump(sample(seed)));
}

}  // namespace
}  // namespace sweetspot::exporting

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  sweetspot::exporting::write_samples(static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)));
}
