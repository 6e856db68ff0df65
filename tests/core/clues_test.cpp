#include "core/clues.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(PlainWords, NothingOfTheCxxLibraryIsLeft) {
  EXPECT_EQ(
      plain_words("error loading model vocabulary: basic_string::substr: __pos (which is 3) > "
                  "this->size() (which is 1)"),
      "error loading model vocabulary: a value makes no sense there");
  EXPECT_EQ(plain_words("vector::_M_range_check: __n (which is 9) >= this->size() (which is 3)"),
            "a value makes no sense there");
  EXPECT_EQ(plain_words("key x: stoi"), "key x: a value makes no sense there");
  EXPECT_EQ(plain_words("bad: std::out_of_range"), "bad: a value makes no sense there");
}

TEST(PlainWords, WhatSaysSomethingStays) {
  for (const char* text :
       {"", "tensor 'blk.0.ffn_up.weight' has wrong shape", "unknown tokenizer: 'stoicism'",
        "llama-vocab.cpp:2678: GGML_ASSERT(n == std::max(a, b)) failed"}) {
    EXPECT_EQ(plain_words(text), text);
  }
}

TEST(LastWords, AnExceptionsTextIsPlain) {
  EXPECT_EQ(last_words("terminate called\n  what():  map::at\n"), "a value makes no sense there");
}

struct Printed {
  const char* what;
  const char* text;
  Phase phase;
  FailureClass failure_class;
};

// As each program says it: written after its source, not copied from a run.
TEST(FindClue, KnowsTheWordsOfEachDialect) {
  const Printed logs[] = {
      {"llama.cpp, a flag it does not know", "error: invalid argument: --n-cpu-ffn\n", Phase::load,
       FailureClass::config_rejected},
      {"llama.cpp, a value",
       "error while handling argument \"-fa\": error: unknown value for --flash-attn: 'maybe'\n\n"
       "usage:\n-fa, --flash-attn\n",
       Phase::load, FailureClass::config_rejected},
      {"llama.cpp, a flag that was removed",
       "error while handling argument \"--draft-max\": the argument has been removed\n",
       Phase::load, FailureClass::config_rejected},
      {"ik_llama.cpp, a flag", "error: unknown argument: --kv-unified\nusage: ./llama-server\n",
       Phase::load, FailureClass::config_rejected},
      {"ik_llama.cpp, a value", "error: invalid parameter for argument: -fa\n", Phase::load,
       FailureClass::config_rejected},
      {"llama.cpp of 2024, device memory",
       "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4095.05 MiB on device 0: cudaMalloc "
       "failed: out of memory\nllama_model_load: error loading model: unable to allocate backend "
       "buffer\nllama_load_model_from_file: failed to load model\n"
       "llama_init_from_gpt_params: error: failed to load model 'm.gguf'\n",
       Phase::load, FailureClass::out_of_device_memory},
      {"llama.cpp of 2024, the cache",
       "llama_kv_cache_init: failed to allocate buffer for kv cache\n"
       "llama_new_context_with_model: llama_kv_cache_init() failed for self-attention cache\n",
       Phase::load, FailureClass::out_of_device_memory},
      {"llama.cpp of 2024, a cache type",
       "llama_new_context_with_model: V cache quantization requires flash_attn\n", Phase::load,
       FailureClass::config_rejected},
      {"ik_llama.cpp, the graph",
       "ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 2147483648\n"
       "llama_init_from_model: failed to allocate compute buffers\n",
       Phase::load, FailureClass::out_of_device_memory},
      {"llama.cpp, Vulkan",
       "ggml_vulkan: Device memory allocation of size 1073741824 failed.\n"
       "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory\n"
       "srv    load_model: exiting due to model loading error\n",
       Phase::load, FailureClass::out_of_device_memory},
      {"llama.cpp, a model it does not know",
       "llama_model_load: error loading model: unknown model architecture: 'newest'\n"
       "main: exiting due to model loading error\n",
       Phase::load, FailureClass::model_unsupported},
      {"llama.cpp, nothing but that", "main: exiting due to model loading error\n", Phase::load,
       FailureClass::model_invalid},
      {"KoboldCpp",
       "gpttype_load_model: error: failed to load model '/m.gguf'\n"
       "Could not load text model: /m.gguf\n",
       Phase::load, FailureClass::model_invalid},
  };
  for (const Printed& log : logs) {
    const auto clue = find_clue(log.text, log.phase);
    ASSERT_TRUE(clue) << log.what;
    EXPECT_EQ(to_string(clue->failure_class), to_string(log.failure_class))
        << log.what << ": " << clue->message;
  }
}

TEST(FindClue, AFlagThatIsRefusedIsNamed) {
  EXPECT_EQ(find_clue("error: invalid argument: --n-cpu-ffn\n", Phase::load)->message,
            "this llama-server refuses a flag or its value (error: invalid argument: --n-cpu-ffn)");
}

}  // namespace
}  // namespace sweetspot
