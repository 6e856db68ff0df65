#include "engine/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

namespace sweetspot::engine {
namespace {

using protocol::Fault;
using protocol::FaultCode;
using testing::HasSubstr;
using testing::Not;

Evidence died(Phase phase, int signal, const std::string& printed = "") {
  Evidence evidence;
  evidence.phase = phase;
  evidence.exit = process::ExitStatus{std::nullopt, signal};
  evidence.stderr_tail = printed;
  return evidence;
}

Evidence reported(Phase phase, FaultCode code, std::vector<std::string> log = {},
                  const std::string& message = "nothing more is known") {
  Evidence evidence;
  evidence.phase = phase;
  evidence.fault = Fault{code, phase, message, std::move(log)};
  return evidence;
}

// Lines as llama.cpp, ggml and drivers print them.
struct Log {
  FailureClass failure_class;
  Phase phase;
  std::vector<std::string> lines;
};

std::vector<Log> logs_of_null_models_and_contexts() {
  return {
      {FailureClass::out_of_device_memory,
       Phase::load,
       {"ggml_backend_cuda_buffer_type_alloc_buffer: allocating 22528.00 MiB on device 0: "
        "cudaMalloc "
        "failed: out of memory",
        "alloc_tensor_range: failed to allocate CUDA0 buffer of size 23622320128",
        "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        "llama_model_load_from_file_impl: failed to load model"}},
      {FailureClass::out_of_device_memory,
       Phase::context,
       {"ggml_vulkan: Device memory allocation of size 118497280 failed.",
        "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv "
        "cache"}},
      {FailureClass::out_of_device_memory,
       Phase::context,
       {"ggml_vulkan: Requested buffer size exceeds device buffer size limit: "
        "ErrorOutOfDeviceMemory",
        "ggml_gallocr_reserve_n_impl: failed to allocate Vulkan0 buffer of size 8753520640",
        "graph_reserve: failed to allocate compute buffers",
        "llama_init_from_model: failed to initialize the context: failed to allocate compute pp "
        "buffers"}},
      {FailureClass::out_of_device_memory,
       Phase::context,
       {"llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv "
        "cache"}},
      {FailureClass::out_of_device_memory,
       Phase::context,
       {"llama_init_from_model: failed to initialize the context: failed to allocate compute pp "
        "buffers"}},
      {FailureClass::out_of_device_memory,
       Phase::load,
       {"alloc_tensor_range: failed to allocate RPC0[127.0.0.1:50052] buffer of size 637000000"}},
      {FailureClass::out_of_device_memory,
       Phase::load,
       {"alloc_tensor_range: failed to allocate ROCm0 buffer of size 637000000"}},
      {FailureClass::out_of_host_memory,
       Phase::context,
       {"ggml_aligned_malloc: insufficient memory (attempted to allocate 42949672.96 MB)",
        "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size "
        "45035996273704",
        "alloc_tensor_range: failed to allocate CPU buffer of size 45035996273704",
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv "
        "cache"}},
      {FailureClass::out_of_host_memory,
       Phase::load,
       {"llama_model_load: error loading model: unable to allocate CUDA_Host buffer"}},
      {FailureClass::out_of_host_memory,
       Phase::load,
       {"llama_model_load: error loading model: unable to allocate Vulkan_Host buffer"}},
      {FailureClass::out_of_host_memory,
       Phase::load,
       {"llama_model_load: error loading model: unable to allocate CPU_REPACK buffer"}},
      {FailureClass::out_of_host_memory,
       Phase::load,
       {"llama_model_load: error loading model: mmap failed: Cannot allocate memory"}},
      {FailureClass::out_of_host_memory,
       Phase::context,
       {"llama_init_from_model: failed to initialize the context: std::bad_alloc"}},
      {FailureClass::device_lost,
       Phase::load,
       {"llama_model_load: error loading model: vk::Queue::submit: ErrorDeviceLost"}},
      {FailureClass::model_unsupported,
       Phase::load,
       {"llama_model_load: error loading model: error loading model architecture: unknown model "
        "architecture: 'zebra'"}},
      {FailureClass::model_unsupported,
       Phase::load,
       {"llama_model_load: error loading model: error loading model vocabulary: unknown "
        "pre-tokenizer type: 'zebra'"}},
      {FailureClass::model_invalid,
       Phase::load,
       {"llama_model_load: error loading model: tensor 'blk.0.ffn_up.weight' data is not within "
        "the "
        "file bounds, model is corrupted or incomplete"}},
      {FailureClass::model_invalid,
       Phase::load,
       {"llama_model_load: error loading model: missing tensor 'token_embd.weight'"}},
      {FailureClass::model_invalid,
       Phase::load,
       {"llama_model_load: error loading model: cannot create std::vector larger than "
        "max_size()"}},
      {FailureClass::model_invalid,
       Phase::load,
       {"gguf_init_from_file_ptr: invalid magic characters: 'PK__', expected 'GGUF'"}},
      {FailureClass::model_invalid,
       Phase::load,
       {"llama_model_load: error loading model: failed to load GGUF split from "
        "model-00002-of-00003.gguf"}},
      {FailureClass::config_rejected,
       Phase::context,
       {"llama_init_from_model: quantized V cache requires flash_attn to be enabled"}},
      {FailureClass::config_rejected,
       Phase::context,
       {"llama_init_from_model: K cache type q4_K with block size 256 does not divide "
        "n_embd_head_k=64"}},
      {FailureClass::config_rejected,
       Phase::context,
       {"llama_init_from_model: n_batch and n_ubatch cannot both be zero"}},
      {FailureClass::config_rejected,
       Phase::context,
       {"llama_init_from_model: failed to initialize the context: something new"}},
  };
}

TEST(Classify, KnowsTheLibrarysLines) {
  for (const Log& log : logs_of_null_models_and_contexts()) {
    const FaultCode code =
        log.phase == Phase::context ? FaultCode::context_null : FaultCode::model_null;
    const Failure failure = classify(reported(log.phase, code, log.lines));
    EXPECT_EQ(failure.failure_class, log.failure_class) << log.lines.front() << "\n"
                                                        << failure.message;
    EXPECT_EQ(failure.phase, log.phase);
    EXPECT_THAT(failure.stderr_tail, HasSubstr(log.lines.front()));
  }
}

std::vector<Log> logs_of_deaths() {
  return {
      {FailureClass::out_of_device_memory,
       Phase::generation,
       {"CUDA error: out of memory",
        "  current device: 0, in function alloc at /src/ggml/src/ggml-cuda/ggml-cuda.cu:503",
        "  cuMemCreate(&handle, reserve_size, &prop, 0)",
        "/src/ggml/src/ggml-cuda/ggml-cuda.cu:103: CUDA error"}},
      {FailureClass::out_of_device_memory,
       Phase::prompt,
       {"ROCm error: out of memory", "/src/ggml/src/ggml-cuda/ggml-cuda.cu:103: ROCm error"}},
      {FailureClass::out_of_device_memory,
       Phase::full_depth,
       {"terminate called after throwing an instance of 'vk::OutOfDeviceMemoryError'",
        "  what():  vk::Device::allocateMemory: ErrorOutOfDeviceMemory"}},
      {FailureClass::device_lost,
       Phase::prompt,
       {"terminate called after throwing an instance of 'vk::DeviceLostError'",
        "  what():  vk::Queue::submit: ErrorDeviceLost"}},
      {FailureClass::device_lost,
       Phase::prompt,
       {"radv/amdgpu: The CS has been cancelled because the context is lost. This context is "
        "innocent."}},
      {FailureClass::device_lost, Phase::generation, {"CUDA error: unspecified launch failure"}},
      {FailureClass::device_lost,
       Phase::generation,
       {"CUDA error: the launch timed out and was terminated"}},
      {FailureClass::device_lost,
       Phase::hello,
       {"Unable to determine the device handle for GPU: GPU is lost.  Reboot the system to "
        "recover"}},
      {FailureClass::driver_unfit,
       Phase::warm_up,
       {"CUDA error: the provided PTX was compiled with an unsupported toolchain.",
        "/src/ggml/src/ggml-cuda/ggml-cuda.cu:103: CUDA error"}},
      {FailureClass::driver_unfit,
       Phase::warm_up,
       {"CUDA error: no kernel image is available for execution on the device"}},
      {FailureClass::driver_unfit,
       Phase::hello,
       {"ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA "
        "runtime version"}},
      {FailureClass::driver_unfit,
       Phase::hello,
       {"ggml_cuda_init: failed to initialize CUDA: system has unsupported display driver / cuda "
        "driver combination"}},
      {FailureClass::rpc_unreachable,
       Phase::generation,
       {"/src/ggml/src/ggml-rpc/ggml-rpc.cpp:512: Remote RPC server crashed or returned malformed "
        "response"}},
      {FailureClass::rpc_unreachable, Phase::hello, {"Failed to connect to 127.0.0.1:50052"}},
      {FailureClass::crashed,
       Phase::load,
       {"/src/src/llama-vocab.cpp:2678: GGML_ASSERT(id_to_token.size() == token_to_id.size()) "
        "failed"}},
      {FailureClass::crashed,
       Phase::prompt,
       {"CUDA error: an illegal memory access was encountered"}},
      {FailureClass::crashed, Phase::generation, {}},
      {FailureClass::host_limit,
       Phase::start,
       {"terminate called after throwing an instance of 'std::system_error'",
        "  what():  Resource temporarily unavailable"}},
      {FailureClass::host_limit,
       Phase::context,
       {"libgomp: Thread creation failed: Resource temporarily unavailable"}},
      {FailureClass::host_limit,
       Phase::start,
       {"sweetspot-worker: error while loading shared libraries: libllama.so.0: cannot open shared "
        "object file: Error 24"}},
      {FailureClass::host_limit,
       Phase::start,
       {"sweetspot-worker: error while loading shared libraries: libggml.so.0: failed to map "
        "segment from shared object"}},
  };
}

TEST(Classify, KnowsTheLastWordsOfTheDying) {
  for (const Log& log : logs_of_deaths()) {
    std::string printed;
    for (const std::string& line : log.lines) printed += line + "\n";
    const Failure failure = classify(died(log.phase, SIGABRT, printed));
    EXPECT_EQ(failure.failure_class, log.failure_class) << printed << failure.message;
    EXPECT_EQ(failure.signal, SIGABRT);
    EXPECT_EQ(failure.stderr_tail, printed);
  }
}

TEST(Classify, WarningsOfALibraryThatGoesOnProveNothing) {
  for (const std::string line :
       {"ggml_cuda_host_malloc: failed to allocate 1024.00 MiB of pinned memory: out of memory",
        "ggml_vulkan: Failed to allocate pinned memory (vk::Device::allocateMemory: "
        "ErrorOutOfDeviceMemory)",
        "warning: failed to mlock 1024-byte buffer (after previously locking 0 bytes): Cannot "
        "allocate "
        "memory",
        "load_all_data: failed to allocate host buffer for async uploads for device CUDA0"}) {
    EXPECT_EQ(classify(died(Phase::load, SIGSEGV, line)).failure_class, FailureClass::crashed)
        << line;
  }
}

TEST(Classify, ALineCountsOnlyInItsPhase) {
  const std::string line = "Failed to connect to the display";
  EXPECT_EQ(classify(died(Phase::hello, SIGABRT, line)).failure_class,
            FailureClass::rpc_unreachable);
  EXPECT_EQ(classify(died(Phase::generation, SIGABRT, line)).failure_class, FailureClass::crashed);
}

TEST(Classify, AnAssertionIsQuotedWithoutItsFolder) {
  const Failure failure = classify(died(Phase::inspect, SIGABRT,
                                        "noise\n/home/builder/llama.cpp/src/llama-model.cpp:1381: "
                                        "GGML_ASSERT(hparams.n_layer > 0) failed\n"));
  EXPECT_EQ(failure.failure_class, FailureClass::crashed);
  EXPECT_THAT(failure.message, HasSubstr("while reading the model's header"));
  EXPECT_THAT(failure.message,
              HasSubstr("(llama-model.cpp:1381: GGML_ASSERT(hparams.n_layer > 0)"));
  EXPECT_THAT(failure.message, Not(HasSubstr("builder")));
}

TEST(Classify, AFileThatShrinksUnderTheReaderIsNamed) {
  const Failure failure = classify(died(Phase::load, SIGBUS, "failed to allocate CPU buffer"));
  EXPECT_EQ(failure.failure_class, FailureClass::crashed);
  EXPECT_THAT(failure.message,
              HasSubstr("the model file changed or was truncated while it was read"));
}

TEST(Classify, AnUnexplainedKillIsMemoryOnlyWhereMemoryWasLow) {
  Evidence evidence = died(Phase::load, SIGKILL);
  EXPECT_EQ(classify(evidence).failure_class, FailureClass::crashed);
  evidence.host_memory_was_low = true;
  EXPECT_EQ(classify(evidence).failure_class, FailureClass::out_of_host_memory);
  evidence = died(Phase::load, SIGSEGV);
  evidence.host_memory_was_low = true;
  EXPECT_EQ(classify(evidence).failure_class, FailureClass::crashed);
}

TEST(Classify, PlainFaultsNeedNoText) {
  const std::vector<std::pair<FaultCode, FailureClass>> cases = {
      {FaultCode::bad_request, FailureClass::protocol_error},
      {FaultCode::version_mismatch, FailureClass::protocol_error},
      {FaultCode::cannot_open, FailureClass::model_invalid},
      {FaultCode::header_invalid, FailureClass::model_invalid},
      {FaultCode::file_changed, FailureClass::model_invalid},
      {FaultCode::unsupported, FailureClass::model_unsupported},
      {FaultCode::model_null, FailureClass::model_invalid},
      {FaultCode::context_null, FailureClass::config_rejected},
      {FaultCode::decode_failed, FailureClass::config_rejected},
      {FaultCode::non_finite, FailureClass::non_finite_output},
      {FaultCode::device_unknown, FailureClass::config_rejected},
      {FaultCode::rpc_refused, FailureClass::rpc_unreachable},
      {FaultCode::cannot_write, FailureClass::config_rejected},
      {FaultCode::exception, FailureClass::crashed},
  };
  for (const auto& [code, expected] : cases) {
    const Failure failure = classify(reported(Phase::load, code));
    EXPECT_EQ(failure.failure_class, expected) << to_string(code);
    EXPECT_FALSE(failure.message.empty());
    EXPECT_EQ(failure.signal, std::nullopt);
  }
}

TEST(Classify, ADecodeWithoutMemoryIsSaidByItsReturnCode) {
  EXPECT_EQ(classify(reported(Phase::full_depth, FaultCode::decode_failed, {},
                              "llama_decode returned -2"))
                .failure_class,
            FailureClass::out_of_device_memory);
  EXPECT_EQ(
      classify(reported(Phase::full_depth, FaultCode::decode_failed,
                        {"ggml_aligned_malloc: insufficient memory (attempted to allocate 9 MB)"},
                        "llama_decode returned -2"))
          .failure_class,
      FailureClass::out_of_host_memory);
}

TEST(Classify, DeadlinesNameTheirPhase) {
  Evidence evidence;
  evidence.phase = Phase::context;
  evidence.overdue = Overdue{120, false};
  Failure failure = classify(evidence);
  EXPECT_EQ(failure.failure_class, FailureClass::timed_out);
  EXPECT_THAT(failure.message, HasSubstr("while making the context"));
  evidence.phase = Phase::rpc_connect;
  failure = classify(evidence);
  EXPECT_EQ(failure.failure_class, FailureClass::rpc_unreachable);
}

TEST(Classify, AnyEndWhileConnectingIsTheServers) {
  EXPECT_EQ(classify(died(Phase::rpc_connect, SIGABRT)).failure_class,
            FailureClass::rpc_unreachable);
}

TEST(Classify, WhatWeDidOurselvesComesFirst) {
  Evidence evidence = died(Phase::load, SIGKILL, "CUDA error: out of memory");
  evidence.overdue = Overdue{1, false};
  evidence.killed_for_host_memory = true;
  EXPECT_EQ(classify(evidence).failure_class, FailureClass::out_of_host_memory);
  evidence.cancelled = true;
  EXPECT_EQ(classify(evidence).failure_class, FailureClass::cancelled);
}

TEST(Classify, NoSentenceQuotesTheCxxLibrary) {
  const std::string text =
      "llama.cpp did not load a.gguf: llama_model_load: error loading model: error loading model "
      "vocabulary: basic_string::substr: __pos (which is 3) > this->size() (which is 1)";
  for (const FaultCode code : {FaultCode::model_null, FaultCode::header_invalid,
                               FaultCode::exception, FaultCode::config_rejected}) {
    const Failure failure = classify(reported(Phase::load, code, {text}, text));
    EXPECT_THAT(failure.message, Not(HasSubstr("basic_string"))) << to_string(code);
    EXPECT_THAT(failure.message, HasSubstr("error loading model vocabulary")) << to_string(code);
  }
  const Failure thrown = classify(died(Phase::load, SIGABRT, "  what():  map::at\n"));
  EXPECT_THAT(thrown.message, Not(HasSubstr("map::at")));
}

TEST(Classify, AWorkerThatBreaksTheProtocolIsNamed) {
  Evidence evidence;
  evidence.phase = Phase::inspect;
  evidence.violation = "not a message";
  evidence.program = "/opt/some-worker";
  const Failure failure = classify(evidence);
  EXPECT_EQ(failure.failure_class, FailureClass::protocol_error);
  EXPECT_THAT(failure.message, HasSubstr("/opt/some-worker"));
  EXPECT_EQ(as_error(failure).kind, ErrorKind::internal);
}

struct EndOfCommand {
  std::string what;
  Evidence evidence;
  ErrorKind kind;
};

std::vector<EndOfCommand> ends_of_commands() {
  Evidence left = died(Phase::inspect, 0);
  left.exit = process::ExitStatus{127, std::nullopt};
  Evidence no_memory = died(Phase::plan, SIGKILL);
  no_memory.killed_for_host_memory = true;
  const std::string thrown = "basic_string::substr: __pos (which is 3) > this->size()";
  return {
      {"a header that brings the reader down", died(Phase::inspect, SIGSEGV), ErrorKind::model},
      {"a header that the reader gives up on",
       reported(Phase::inspect, FaultCode::exception, {}, thrown), ErrorKind::model},
      {"a worker killed from outside", died(Phase::inspect, SIGKILL), ErrorKind::internal},
      {"a worker that leaves", left, ErrorKind::internal},
      {"a worker that refuses the request", reported(Phase::inspect, FaultCode::bad_request),
       ErrorKind::internal},
      {"a worker without threads",
       died(Phase::inspect, SIGABRT, "  what():  Resource temporarily unavailable\n"),
       ErrorKind::host_limit},
      {"a model that cannot be opened because too many files are",
       reported(Phase::inspect, FaultCode::cannot_open, {},
                "cannot open a.gguf: Too many open files"),
       ErrorKind::host_limit},
      {"a thread that cannot be made",
       reported(Phase::plan, FaultCode::exception, {}, "Resource temporarily unavailable"),
       ErrorKind::host_limit},
      {"no memory for a plan", no_memory, ErrorKind::host_limit},
      {"a model that does not load", reported(Phase::plan, FaultCode::model_null),
       ErrorKind::model},
      {"a broken model to copy", reported(Phase::synth, FaultCode::header_invalid),
       ErrorKind::model},
      {"a file that cannot be written", reported(Phase::synth, FaultCode::cannot_write),
       ErrorKind::output},
      {"a geometry that cannot be", reported(Phase::synth, FaultCode::bad_request),
       ErrorKind::output},
      {"a port in use", reported(Phase::serve, FaultCode::bad_request), ErrorKind::device},
      {"settings that exclude each other", reported(Phase::plan, FaultCode::config_rejected),
       ErrorKind::usage},
      {"a lost device", died(Phase::plan, SIGABRT, "vk::DeviceLostError\n"), ErrorKind::device},
  };
}

TEST(AsError, TheKindComesFromWhatIsKnown) {
  for (const EndOfCommand& end : ends_of_commands()) {
    const Error error = as_error(classify(end.evidence));
    EXPECT_EQ(error.kind, end.kind) << end.what << ": " << error.message;
  }
}

TEST(Classify, NothingKnownIsStillASentence) {
  const Failure failure = classify(Evidence{});
  EXPECT_EQ(failure.failure_class, FailureClass::crashed);
  EXPECT_FALSE(failure.message.empty());
}

TEST(Classify, MessagesAreOneHarmlessLine) {
  const std::string hostile = "a\x1b[31m\nb\r\n$(reboot)\x9b\xe2\x80\xae" + std::string(5000, 'x');
  std::vector<Evidence> all = {
      reported(Phase::load, FaultCode::model_null, {"error loading model: " + hostile}, hostile),
      reported(Phase::load, FaultCode::exception, {}, hostile),
      died(Phase::load, SIGABRT, "file.cpp:1: " + hostile),
      died(Phase::load, SIGABRT, "  what():  " + hostile),
  };
  Evidence broken;
  broken.violation = hostile;
  all.push_back(broken);
  Evidence left;
  left.exit = process::ExitStatus{1, std::nullopt};
  left.stderr_tail = hostile;
  all.push_back(left);
  for (const Evidence& evidence : all) {
    const std::string message = classify(evidence).message;
    EXPECT_LT(message.size(), 1500U);
    for (const char c : message) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20) << message;
  }
}

}  // namespace
}  // namespace sweetspot::engine
