#include "core/clues.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "core/text.hpp"
#include "ground/pieces.hpp"

namespace sweetspot {
namespace {

constexpr std::size_t kQuotedChars = 160;

enum class When { always, connecting, model, context };

bool applies(When when, Phase phase) {
  switch (when) {
    case When::always:
      return true;
    case When::connecting:
      return phase == Phase::start || phase == Phase::hello || phase == Phase::rpc_connect;
    case When::model:
      return phase == Phase::inspect || phase == Phase::load || phase == Phase::synth ||
             phase == Phase::plan;
    case When::context:
      return phase == Phase::context;
  }
  return false;
}

// A line that holds all the words means the class. `quote` adds the line itself to the sentence.
struct Clue {
  std::array<std::string_view, 2> words;
  FailureClass failure_class;
  When when;
  std::string_view sentence;
  bool quote = false;
};

constexpr std::string_view kDeviceFull =
    "the device's memory is too small for this configuration: use fewer layers, a smaller context "
    "or "
    "smaller batches";
constexpr std::string_view kHostFull =
    "this machine's memory is too small for this configuration: use a smaller context or put more "
    "layers on the device";
constexpr std::string_view kDeviceLost =
    "the device stopped answering and was reset: let it recover, then use smaller batches or fewer "
    "layers";
constexpr std::string_view kDriverOld =
    "the card's driver is older than this llama.cpp's backend takes: update the driver, or take "
    "Vulkan (GPU=vulkan make)";
constexpr std::string_view kDriverMixed =
    "parts of the card's driver are of different versions: restart the machine after a driver's "
    "update";
constexpr std::string_view kNoCode =
    "this llama.cpp's backend has no code for this card: build it for the card, or take Vulkan "
    "(GPU=vulkan make)";
constexpr std::string_view kRpcGone =
    "the RPC server broke the connection or does not speak this ggml's protocol: check that it "
    "runs "
    "and is of the same version";
constexpr std::string_view kModelBroken = "llama.cpp cannot use the model file";
constexpr std::string_view kModelUnknown = "this llama.cpp does not know this kind of model";
constexpr std::string_view kNoThreads =
    "this account may have no more threads: end some programs, or raise the limit that `ulimit -u` "
    "shows";
constexpr std::string_view kNoFiles =
    "there are no file descriptors left: raise the limit that `ulimit -n` shows";
constexpr std::string_view kNoAddresses =
    "there is no memory to load the program's libraries: raise the limit that `ulimit -v` shows";
constexpr std::string_view kRefused = "llama.cpp refuses this combination of settings";
constexpr std::string_view kFlagRefused = "this llama-server refuses a flag or its value";

constexpr auto kDeviceMemory = FailureClass::out_of_device_memory;
constexpr auto kHostMemory = FailureClass::out_of_host_memory;
constexpr auto kLost = FailureClass::device_lost;
constexpr auto kUnfit = FailureClass::driver_unfit;
constexpr auto kRpc = FailureClass::rpc_unreachable;
constexpr auto kInvalid = FailureClass::model_invalid;
constexpr auto kUnsupported = FailureClass::model_unsupported;
constexpr auto kRejected = FailureClass::config_rejected;
constexpr auto kLimit = FailureClass::host_limit;

// From strong to weak: the first row that any line matches decides. Host buffers come before device
// buffers, because a device's row would match them too.
constexpr auto kClues = std::to_array<Clue>({
    {{"vk::DeviceLostError"}, kLost, When::always, kDeviceLost},
    {{"ErrorDeviceLost"}, kLost, When::always, kDeviceLost},
    {{"VK_ERROR_DEVICE_LOST"}, kLost, When::always, kDeviceLost},
    {{"context is lost"}, kLost, When::always, kDeviceLost},
    {{"GPU is lost"}, kLost, When::always, kDeviceLost},
    {{"unspecified launch failure"}, kLost, When::always, kDeviceLost},
    {{"launch timed out"}, kLost, When::always, kDeviceLost},
    {{"uncorrectable ECC error"}, kLost, When::always, kDeviceLost},

    // What a driver says at the first start of a backend that it does not fit.
    {{"PTX was compiled with an unsupported toolchain"}, kUnfit, When::always, kDriverOld},
    {{"driver version is insufficient for CUDA runtime"}, kUnfit, When::always, kDriverOld},
    {{"unsupported display driver / cuda driver combination"}, kUnfit, When::always, kDriverMixed},
    {{"forward compatibility was attempted"}, kUnfit, When::always, kDriverMixed},
    {{"Driver/library version mismatch"}, kUnfit, When::always, kDriverMixed},
    {{"no kernel image is available"}, kUnfit, When::always, kNoCode},
    {{"device kernel image is invalid"}, kUnfit, When::always, kNoCode},
    {{"hipErrorNoBinaryForGpu"}, kUnfit, When::always, kNoCode},
    {{"invalid device function"}, kUnfit, When::always, kNoCode},
    {{"TensileLibrary"}, kUnfit, When::always, kNoCode},
    {{"ErrorIncompatibleDriver"}, kUnfit, When::always, kDriverOld},

    {{"Remote RPC server crashed"}, kRpc, When::always, kRpcGone},
    {{"RPC handshake failed"}, kRpc, When::always, kRpcGone},
    {{"RPC server version mismatch"}, kRpc, When::always, kRpcGone, true},
    {{"Failed to connect to"}, kRpc, When::connecting, kRpcGone, true},
    {{"Cannot resolve host"}, kRpc, When::connecting, kRpcGone, true},

    {{"what():", "Resource temporarily unavailable"}, kLimit, When::always, kNoThreads},
    {{"Thread creation failed"}, kLimit, When::always, kNoThreads},
    {{"Too many open files"}, kLimit, When::always, kNoFiles},
    {{"cannot open shared object file: Error 24"}, kLimit, When::always, kNoFiles},
    {{"error while loading shared libraries", "failed to map segment"},
     kLimit,
     When::always,
     kNoAddresses},
    {{"error while loading shared libraries", "annot allocate memory"},
     kLimit,
     When::always,
     kNoAddresses},
    {{"error while loading shared libraries", "cannot create shared object descriptor"},
     kLimit,
     When::always,
     kNoAddresses},

    // A size that no file has room for.
    {{"cannot create std::vector larger than max_size"}, kInvalid, When::model, kModelBroken, true},

    {{"insufficient memory (attempted to allocate"}, kHostMemory, When::always, kHostFull},
    {{"ggml_backend_cpu_buffer_type_alloc_buffer", "failed"}, kHostMemory, When::always, kHostFull},
    {{"allocate CPU", "buffer"}, kHostMemory, When::always, kHostFull},
    {{"allocate", "_Host buffer"}, kHostMemory, When::always, kHostFull},
    {{"ErrorOutOfHostMemory"}, kHostMemory, When::always, kHostFull},
    {{"bad_alloc"}, kHostMemory, When::always, kHostFull},
    {{"mmap failed", "Cannot allocate memory"}, kHostMemory, When::always, kHostFull},
    {{"cannot create std::vector larger than max_size"}, kHostMemory, When::always, kHostFull},

    {{"cudaMalloc failed"}, kDeviceMemory, When::always, kDeviceFull},
    {{"CUDA error", "out of memory"}, kDeviceMemory, When::always, kDeviceFull},
    {{"ROCm error", "out of memory"}, kDeviceMemory, When::always, kDeviceFull},
    {{"CUDA_ERROR_OUT_OF_MEMORY"}, kDeviceMemory, When::always, kDeviceFull},
    {{"OUT_OF_DEVICE_MEMORY"}, kDeviceMemory, When::always, kDeviceFull},
    {{"ErrorOutOfDeviceMemory"}, kDeviceMemory, When::always, kDeviceFull},
    {{"Device memory allocation of size", "failed"}, kDeviceMemory, When::always, kDeviceFull},
    {{"exceeds device buffer size limit"}, kDeviceMemory, When::always, kDeviceFull},
    {{"CallbackErrorOutOfMemory"}, kDeviceMemory, When::always, kDeviceFull},
    {{"unable to allocate", " buffer"}, kDeviceMemory, When::always, kDeviceFull},
    {{"failed to allocate", " buffer"}, kDeviceMemory, When::always, kDeviceFull},
    {{"failed to allocate buffer"}, kDeviceMemory, When::always, kDeviceFull},
    {{"failed to allocate compute"}, kDeviceMemory, When::always, kDeviceFull},

    {{"unknown model architecture"}, kUnsupported, When::model, kModelUnknown, true},
    {{"unknown pre-tokenizer type"}, kUnsupported, When::model, kModelUnknown, true},
    {{"unknown tokenizer"}, kUnsupported, When::model, kModelUnknown, true},
    {{"invalid ggml type"}, kUnsupported, When::model, kModelUnknown, true},
    {{"CLIP cannot be used as main model"}, kUnsupported, When::model, kModelUnknown, true},

    {{"corrupted or incomplete"}, kInvalid, When::model, kModelBroken, true},
    {{"has invalid data"}, kInvalid, When::model, kModelBroken, true},
    {{"invalid magic"}, kInvalid, When::model, kModelBroken, true},
    {{"failed to load GGUF split"},
     kInvalid,
     When::model,
     "a part of the split model is missing",
     true},
    {{"invalid split file"}, kInvalid, When::model, kModelBroken, true},
    {{"missing tensor"}, kInvalid, When::model, kModelBroken, true},
    {{"wrong number of tensors"}, kInvalid, When::model, kModelBroken, true},
    {{"has wrong shape"}, kInvalid, When::model, kModelBroken, true},
    {{"key not found in model"}, kInvalid, When::model, kModelBroken, true},
    {{"error loading model"}, kInvalid, When::model, kModelBroken, true},
    {{"gguf_init_from", "failed to"}, kInvalid, When::model, kModelBroken, true},

    {{"requires flash_attn"}, kRejected, When::always, kRefused, true},
    {{"does not divide n_embd_head"}, kRejected, When::always, kRefused, true},
    {{"does not support different K"}, kRejected, When::always, kRefused, true},
    {{"cannot both be zero"}, kRejected, When::context, kRefused, true},
    {{"invalid value for main_gpu"}, kRejected, When::always, kRefused, true},
    {{"SPLIT_MODE_TENSOR needs"}, kRejected, When::always, kRefused, true},
    {{"failed to initialize the context"}, kRejected, When::context, kRefused, true},

    // Of a llama-server's command line: llama.cpp's words, then ik_llama.cpp's.
    {{"error: invalid argument:"}, kRejected, When::always, kFlagRefused, true},
    {{"error while handling argument"}, kRejected, When::always, kFlagRefused, true},
    {{"error while handling environment variable"}, kRejected, When::always, kFlagRefused, true},
    {{"error: unknown argument:"}, kRejected, When::always, kFlagRefused, true},
    {{"error: invalid parameter for argument:"}, kRejected, When::always, kFlagRefused, true},
    {{"argument has been removed"}, kRejected, When::always, kFlagRefused, true},

    // Said after all that is known better: by llama-server, its forerunners, and KoboldCpp.
    {{"exiting due to model loading error"}, kInvalid, When::always, kModelBroken},
    {{"error: failed to load model"}, kInvalid, When::always, kModelBroken},
    {{"unable to load model"}, kInvalid, When::always, kModelBroken},
    {{"Could not load text model"}, kInvalid, When::always, kModelBroken},
});

// Warnings after which the library goes on in another way.
constexpr auto kHarmless = std::to_array<std::string_view>({
    "pinned memory",
    "failed to mlock",
    "for async uploads",
    "retrying without pipeline parallelism",
});

bool holds(std::string_view line, std::string_view words) {
  return line.find(words) != std::string_view::npos;
}

// "llama_init_from_model: quantized V cache ..." -> "quantized V cache ...": the names of functions
// say nothing to a user.
std::string_view without_function(std::string_view line) {
  for (;;) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return line;
    const std::string_view head = line.substr(0, colon);
    const bool name =
        head.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string_view::npos &&
        holds(head, "_");
    if (!name) return line;
    line.remove_prefix(colon + 2);
  }
}

// "/some/folder/llama-vocab.cpp:2678: GGML_ASSERT(...)" -> "llama-vocab.cpp:2678:
// GGML_ASSERT(...)".
std::string_view without_folder(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line;
  const std::size_t slash = line.substr(0, colon).rfind('/');
  return slash == std::string_view::npos ? line : line.substr(slash + 1);
}

// How the C++ library names itself in the texts of its exceptions.
constexpr auto kLibraryInternals = std::to_array<std::string_view>({"std::",
                                                                    "basic_string",
                                                                    "vector::",
                                                                    "cannot create std::",
                                                                    "array::at",
                                                                    "map::at",
                                                                    "_Map_base",
                                                                    "deque::",
                                                                    "bitset::",
                                                                    "stoi",
                                                                    "stol",
                                                                    "stoul",
                                                                    "stoll",
                                                                    "stoull",
                                                                    "stof",
                                                                    "stod",
                                                                    "bad_alloc",
                                                                    "bad optional access",
                                                                    "bad_variant_access",
                                                                    "bad_function_call",
                                                                    "regex_error",
                                                                    "__pos"});

bool is_word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Where `word` stands for itself, not as a part of another.
std::size_t find_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_word_char(text[at - 1]);
    const bool ends = !is_word_char(word.back()) || end == text.size() || !is_word_char(text[end]);
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

std::string quoted(std::string_view line) {
  return printable(plain_words(without_function(trimmed(line))), kQuotedChars);
}

// "file.cpp:12: text", the form of ggml_abort; also .c, .cu, .h, .hpp and the like.
bool is_abort_line(std::string_view line) {
  for (const std::string_view ending : {".cpp:", ".c:", ".cu:", ".cuh:", ".h:", ".hpp:", ".m:"}) {
    const std::size_t at = line.find(ending);
    if (at == std::string_view::npos) continue;
    std::string_view rest = line.substr(at + ending.size());
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits > 0 && rest.substr(digits).starts_with(": ")) return true;
  }
  return false;
}

bool matches(const Clue& clue, std::string_view line) {
  return std::all_of(clue.words.begin(), clue.words.end(),
                     [&](std::string_view words) { return holds(line, words); });
}

bool harmless(std::string_view line) {
  return std::any_of(kHarmless.begin(), kHarmless.end(),
                     [&](std::string_view words) { return holds(line, words); });
}

}  // namespace

std::optional<Finding> find_clue(std::string_view printed, Phase phase) {
  std::vector<std::string_view> lines = lines_of(printed);
  std::erase_if(lines, harmless);
  for (const Clue& clue : kClues) {
    if (!applies(clue.when, phase)) continue;
    const auto line = std::find_if(lines.begin(), lines.end(),
                                   [&](std::string_view text) { return matches(clue, text); });
    if (line == lines.end()) continue;
    std::string message(clue.sentence);
    if (clue.quote) message += " (" + quoted(*line) + ")";
    return Finding{clue.failure_class, std::move(message)};
  }
  return std::nullopt;
}

std::string last_words(std::string_view printed) {
  std::string words;
  for (const std::string_view line : lines_of(printed)) {
    const std::size_t what = line.find("what():");
    if (what != std::string_view::npos) {
      words = quoted(line.substr(what + std::string_view("what():").size()));
    } else if (is_abort_line(line)) {
      words = printable(without_folder(trimmed(line)), kQuotedChars);
    }
  }
  return words;
}

std::string plain_words(std::string_view text) {
  // An assertion is quoted whole: it is llama.cpp's own text, even where it names types of C++.
  if (holds(text, "GGML_ASSERT")) return std::string(text);
  std::size_t from = std::string_view::npos;
  for (const std::string_view internal : kLibraryInternals) {
    from = std::min(from, find_word(text, internal));
  }
  if (from == std::string_view::npos) return std::string(text);
  std::string_view before = trimmed(text.substr(0, from));
  if (before.ends_with(':')) before.remove_suffix(1);
  constexpr std::string_view kInstead = "a value makes no sense there";
  return before.empty() ? std::string(kInstead) : fmt::format("{}: {}", before, kInstead);
}

std::string last_line(std::string_view printed) {
  std::string_view last;
  for (const std::string_view line : lines_of(printed)) {
    if (!trimmed(line).empty()) last = line;
  }
  return quoted(last);
}

}  // namespace sweetspot
