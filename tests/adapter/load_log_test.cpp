#include "adapter/load_log.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot::adapter {
namespace {

// As build 11669 prints it with --log-verbosity 4.
constexpr std::string_view kNew =
    "0.00.217.840 I cmn  common_param: system_info: n_threads = 2 (n_threads_batch = 3) / 2 | CPU\n"
    "0.00.292.031 I load_tensors: loading model tensors, this can take a while... (load_mode = "
    "mmap)\n"
    "0.00.293.212 I load_tensors: offloaded 4/7 layers to GPU\n"
    "0.00.293.214 I load_tensors:   CPU_Mapped model buffer size =     0.50 MiB\n"
    "0.00.293.215 I load_tensors:   CPU_Mapped model buffer size =     0.25 MiB\n"
    "0.00.293.220 I load_tensors:   CPU_REPACK model buffer size =     1.75 MiB\n"
    "0.00.293.221 I load_tensors: RPC0[127.0.0.1:50052] model buffer size =    8.00 MiB\n"
    "0.00.328.756 I llama_context: constructing llama_context\n"
    "0.00.328.756 I llama_context: n_ctx                 = 512\n"
    "0.00.328.757 I llama_context: n_ctx_seq             = 256\n"
    "0.00.328.757 I llama_context: n_batch               = 384\n"
    "0.00.328.758 I llama_context: n_ubatch              = 128\n"
    "0.00.328.759 I llama_context: flash_attn            = auto\n"
    "0.00.328.768 I llama_context: n_ctx_seq (256) < n_ctx_train (4096) -- the full capacity\n"
    "0.00.328.788 I llama_context:        CPU  output buffer size =     0.25 MiB\n"
    "0.00.328.894 I llama_kv_cache:        CPU KV buffer size =     1.50 MiB\n"
    "0.00.328.895 I llama_kv_cache:       RPC0[127.0.0.1:50052] KV buffer size =     2.50 MiB\n"
    "0.00.330.141 I llama_kv_cache: size =    1.50 MiB (   256 cells,   6 layers,  2/2 seqs), K "
    "(f16):    0.75 MiB, V (q8_0):    0.75 MiB\n"
    "0.00.331.068 I resolve_fused_ops: Flash Attention enabled\n"
    "0.00.360.967 I sched_reserve:        CPU compute buffer size =     5.75 MiB\n"
    "0.00.993.142 I slot   load_model: id  0 | task -1 | new slot, n_ctx = 256\n";

TEST(LoadLog, SettingsAreThoseOfTheContextAndNotOfItsSlots) {
  const LoadedSettings settings = loaded_settings(kNew);
  EXPECT_EQ(settings.n_gpu_layers.value_or(-1), 4);
  EXPECT_EQ(settings.n_layers_offloadable.value_or(-1), 7);
  EXPECT_EQ(settings.n_ctx, 512U);
  EXPECT_EQ(settings.n_batch, 384U);
  EXPECT_EQ(settings.n_ubatch, 128U);
  EXPECT_EQ(settings.n_threads, 2);
  EXPECT_EQ(settings.n_threads_batch, 3);
  EXPECT_EQ(settings.flash_attn.value_or(""), "on");
  EXPECT_EQ(settings.type_k.value_or(""), "f16");
  EXPECT_EQ(settings.type_v.value_or(""), "q8_0");
}

TEST(LoadLog, BuffersAreSummedByDevice) {
  const MemoryMap map = loaded_memory(kNew);
  ASSERT_EQ(map.size(), 2U);
  const DeviceMemory* const host = find_device(map, "CPU");
  const DeviceMemory* const device = find_device(map, "RPC0");
  ASSERT_TRUE(host != nullptr && device != nullptr);
  EXPECT_EQ(host->model_bytes, 5 * kMiB / 2);
  EXPECT_EQ(host->mapped_bytes, 3 * kMiB / 4);
  EXPECT_EQ(host->context_bytes, 3 * kMiB / 2);
  EXPECT_EQ(host->compute_bytes, 6 * kMiB);
  EXPECT_EQ(device->model_bytes, 8 * kMiB);
  EXPECT_EQ(device->context_bytes, 5 * kMiB / 2);
}

// As builds near 4100 and ik_llama.cpp print it: no stamps, other function names, weights unnamed.
TEST(LoadLog, OlderWords) {
  constexpr std::string_view kOld =
      "llm_load_tensors: offloaded 33/33 layers to GPU\n"
      "llm_load_tensors:        CPU buffer size =    70.25 MiB\n"
      "llm_load_tensors:      CUDA0 buffer size =  4095.50 MiB\n"
      "llama_new_context_with_model: n_ctx      = 2048\n"
      "llama_new_context_with_model: flash_attn = 1\n"
      "llama_kv_cache_init:      CUDA0 KV buffer size =   256.00 MiB\n"
      "llama_new_context_with_model:  CUDA_Host  output buffer size =     0.12 MiB\n"
      "llama_new_context_with_model:      CUDA0 compute buffer size =   164.00 MiB\n"
      "llama_new_context_with_model:  CUDA_Host compute buffer size =    12.01 MiB\n";
  const MemoryMap map = loaded_memory(kOld);
  const DeviceMemory* const card = find_device(map, "CUDA0");
  ASSERT_NE(card, nullptr);
  EXPECT_EQ(card->model_bytes, 8191 * kMiB / 2);
  EXPECT_EQ(card->context_bytes, 256 * kMiB);
  EXPECT_EQ(card->compute_bytes, 164 * kMiB);
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(loaded_settings(kOld).n_ctx, 2048U);
  EXPECT_EQ(loaded_settings(kOld).flash_attn.value_or(""), "on");
}

TEST(LoadLog, AContextThatWasTriedFirstDoesNotCount) {
  const std::string twice = std::string(kNew).append(kNew);
  EXPECT_EQ(loaded_memory(twice), loaded_memory(kNew));
}

TEST(LoadLog, ACardIsUsedWhereABufferOfItIs) {
  EXPECT_TRUE(uses_a_device(loaded_memory(kNew)));
  // What llama.cpp prints where a driver failed: it says layers are offloaded all the same.
  EXPECT_FALSE(
      uses_a_device(loaded_memory("load_tensors: offloaded 9/9 layers to GPU\n"
                                  "x:   CPU_Mapped model buffer size = 12.00 MiB\n"
                                  "x:    CUDA_Host compute buffer size = 1.00 MiB\n")));
}

TEST(LoadLog, NothingIsMadeUp) {
  EXPECT_TRUE(loaded_memory("server is listening\n").empty());
  EXPECT_FALSE(loaded_settings("").n_gpu_layers);
  EXPECT_TRUE(loaded_memory("x: CUDA0 KV buffer size = -1.00 MiB\n").empty());
  EXPECT_TRUE(loaded_memory("x: CUDA0 KV buffer size = 1e30 MiB\n").empty());
  EXPECT_TRUE(loaded_memory("x: CUDA0 KV buffer size = 3 GiB\n").empty());
  EXPECT_TRUE(loaded_memory(" KV buffer size = 3 MiB\n").empty());
}

}  // namespace
}  // namespace sweetspot::adapter
