#include "core/clues.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/text.hpp"

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
constexpr std::string_view kRpcGone =
    "the RPC server broke the connection or does not speak this ggml's protocol: check that it "
    "runs "
    "and is of the same version";
constexpr std::string_view kModelBroken = "llama.cpp cannot use the model file";
constexpr std::string_view kModelUnknown = "this llama.cpp does not know this kind of model";
constexpr std::string_view kRefused = "llama.cpp refuses this combination of settings";

constexpr auto kDeviceMemory = FailureClass::out_of_device_memory;
constexpr auto kHostMemory = FailureClass::out_of_host_memory;
constexpr auto kLost = FailureClass::device_lost;
constexpr auto kRpc = FailureClass::rpc_unreachable;
constexpr auto kInvalid = FailureClass::model_invalid;
constexpr auto kUnsupported = FailureClass::model_unsupported;
constexpr auto kRejected = FailureClass::config_rejected;

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

    {{"Remote RPC server crashed"}, kRpc, When::always, kRpcGone},
    {{"RPC handshake failed"}, kRpc, When::always, kRpcGone},
    {{"RPC server version mismatch"}, kRpc, When::always, kRpcGone, true},
    {{"Failed to connect to"}, kRpc, When::connecting, kRpcGone, true},
    {{"Cannot resolve host"}, kRpc, When::connecting, kRpcGone, true},

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
});

// Complaints that end nothing: the library goes on another way.
constexpr auto kHarmless = std::to_array<std::string_view>({
    "pinned memory",
    "failed to mlock",
    "for async uploads",
    "retrying without pipeline parallelism",
});

bool holds(std::string_view line, std::string_view words) {
  return line.find(words) != std::string_view::npos;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
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

std::string quoted(std::string_view line) {
  return printable(without_function(trimmed(line)), kQuotedChars);
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
      words =
          printable(trimmed(line.substr(what + std::string_view("what():").size())), kQuotedChars);
    } else if (is_abort_line(line)) {
      words = printable(without_folder(trimmed(line)), kQuotedChars);
    }
  }
  return words;
}

std::string last_line(std::string_view printed) {
  std::string_view last;
  for (const std::string_view line : lines_of(printed)) {
    if (!trimmed(line).empty()) last = line;
  }
  return quoted(last);
}

}  // namespace sweetspot
