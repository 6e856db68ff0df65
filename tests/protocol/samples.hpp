// One message of every kind, each member different from its default.
#pragma once

#include <vector>

#include "protocol/messages.hpp"

namespace sweetspot::protocol {

inline Placement sample_placement() {
  return {.n_gpu_layers = 17,
          .devices = {"CUDA0", "Vulkan1"},
          .load_mode = LoadMode::mmap_mlock,
          .split_mode = SplitMode::row,
          .tensor_split = {3, 1.5},
          .main_gpu = 1,
          .n_cpu_moe = 4,
          .n_cpu_ffn = 2,
          .override_tensor = {"ffn_.*_exps=CPU", R"(blk\.1\.=CUDA0)"}};
}

inline ContextSettings sample_context() {
  return {.n_ctx = 8192,
          .n_batch = 1024,
          .n_ubatch = 256,
          .type_k = "q8_0",
          .type_v = "q4_0",
          .flash_attn = FlashAttention::on,
          .n_parallel = 4,
          .kv_unified = true,
          .kv_offload = false,
          .swa_full = true,
          .n_threads = 6,
          .n_threads_batch = 12};
}

inline SynthRequest sample_synth() {
  SynthRequest synth;
  synth.out_path = "/tmp/out.gguf";
  synth.like_path = "/tmp/like.gguf";
  synth.like_blocks = 2;
  synth.header_only = true;
  synth.no_vocab = true;
  synth.architecture = "qwen3moe";
  synth.name = "a \"name\" with \x1b[31m and \xff";
  synth.blocks = 3;
  synth.embd = 512;
  synth.ff = 1024;
  synth.heads = 8;
  synth.kv_heads = 2;
  synth.head_dim = 96;
  synth.vocab = 999;
  synth.ctx_train = 2048;
  synth.type = "q8_0";
  synth.experts = 16;
  synth.experts_used = 4;
  synth.expert_ff = 128;
  synth.attention_bias = true;
  synth.tied_output = true;
  synth.sliding_window = 512;
  synth.attention_blocks = {0, 2};
  synth.pooling = "rank";
  synth.seed = 0xFFFF'FFFF'FFFF'FFFFU;
  return synth;
}

inline std::vector<RequestMessage> sample_requests() {
  return {
      {1, HelloRequest{7, {"127.0.0.1:50052", "host:1"}}},
      {2, InspectRequest{"/models/a b.gguf", true}},
      {12, MapRequest{"/models/a.gguf", {{sample_placement(), sample_context()}, {}}}},
      {3, LoadRequest{"/models/a.gguf", sample_placement()}},
      {13, LoadRequest{"/models/a.gguf", sample_placement(), Slice{5, 2, 4096}}},
      {4, ContextRequest{sample_context()}},
      {5, MeasureRequest{MeasureKind::prompt, 100, 512, 30}},
      {6, CheckRequest{}},
      {14, DivergenceRequest{true, 128}},
      {7, FullDepthRequest{}},
      {8, UnloadRequest{}},
      {9, sample_synth()},
      {10, ServeRequest{"0.0.0.0", 1234, 3, {"CPU"}}},
      {11, StopRequest{}},
  };
}

inline ModelInfo sample_model() {
  ModelInfo model;
  model.path = "/models/a.gguf";
  model.files = {{"/models/a.gguf", 123, -5, 9}, {"/models/b.gguf", 124, 6, 10}};
  model.architecture = "llama";
  model.name = Absence{"the file has none"};
  model.quantization = "Q4_K - Medium";
  model.n_params = 1'100'000'000;
  model.size_bytes = 637'000'000;
  model.n_layer = 22;
  model.n_ctx_train = 2048;
  model.n_embd = 2048;
  model.n_head = 32;
  model.n_head_kv = 4;
  model.n_ff = Absence{"differs between blocks"};
  model.n_vocab = 32000;
  model.n_expert = 8;
  model.n_expert_used = 2;
  model.recurrent = true;
  model.hybrid = true;
  model.layers = {{0, 100, 10}, {1, 200, 20}};
  model.non_layer_bytes = 77;
  model.fingerprint = "abc123";
  return model;
}

inline HelloResult sample_hello() {
  HelloResult hello;
  hello.version = 9;
  hello.engine = {"0.7.0", "b1", "0.27", "c1", {"CPU", "RPC"}, "AVX2 = 1"};
  hello.devices = {{"CUDA0", "a card", "CUDA", DeviceType::gpu, std::string("0000:c1:00.0"),
                    std::uint64_t{8}, Absence{"the backend does not say"}},
                   {"CPU", "a processor", "CPU", DeviceType::cpu, Absence{"not on a bus"},
                    std::uint64_t{16}, std::uint64_t{4}}};
  hello.threads = 6;
  hello.backend_problems = {"one cannot be loaded"};
  hello.abilities = {false, true, false, true};
  return hello;
}

inline ContextResult sample_context_result() {
  ContextResult result;
  result.seconds = 0.25;
  result.effective = {
      Absence{"not printed"}, 4096, 2048, 512, 4, 8, std::string("on"), std::string("f16"),
      Absence{"unknown"}};
  result.memory = {{"CPU", 1, 2, 3}, {"CUDA0", 4, 5, 6}};
  result.memory_note = "a note";
  result.pid = 7;
  return result;
}

inline std::vector<EventMessage> sample_events() {
  return {
      {0, Heartbeat{}},
      {1, Progress{Phase::full_depth, 0.75}},
      {2, SampleEvent{{12.5, 3.25, 512}, false}},
      {3, Ready{"127.0.0.1:50052"}},
      {4, Fault{FaultCode::context_null, Phase::context, "no context", {"line 1", "line 2"}}},
      {5, Done{sample_hello()}},
      {6, Done{InspectResult{sample_model()}}},
      {14, Done{MapResult{{{{{"CUDA0", 1, 2, 3, 0}}, 8192, ""}, {{}, 0, "refused"}}, 1, 0.25}}},
      {7, Done{LoadResult{1.5, 20, Absence{"not printed"}}}},
      {15, Done{LoadResult{1.5, 3, 3, SliceBytes{100, 70, 20}}}},
      {8, Done{sample_context_result()}},
      {9, Done{MeasureResult{12, 0.5}}},
      {10, Done{CheckResult{false, {1.5F, -2.25F, 1e-30F}}}},
      {16, Done{DivergenceResult{128, 0.5, 1.5, 2.5, 0.75}}},
      {11, Done{FullDepthResult{4, 1024, "copy", 2.5, {41.25, 40.5}}}},
      {12, Done{UnloadResult{}}},
      {13, Done{SynthResult{1, 2, 3}}},
  };
}

}  // namespace sweetspot::protocol
