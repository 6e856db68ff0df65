// What supervisor and worker say to each other: newline-delimited JSON over two descriptors.
//
// The supervisor writes requests to the worker's descriptor 3 and reads events from its
// descriptor 4. One request is in flight at a time; the only message allowed meanwhile is `stop`.
// Every event carries the id of the request it belongs to, heartbeats excepted. docs/protocol.md is
// the page a human reads.
//
// The worker reports facts (a null model, a return code, the library's last log lines); it never
// judges them. Judging is engine/failure.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/enum_names.hpp"
#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "core/model_info.hpp"
#include "core/run.hpp"
#include "core/trial.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::protocol {

/// Raised when a message changes meaning. Supervisor and worker of different versions refuse each
/// other.
inline constexpr int kVersion = 6;

inline constexpr int kRequestFd = 3;  ///< in the worker: where requests are read
inline constexpr int kEventFd = 4;    ///< in the worker: where events are written

/// Longest line either side accepts; a longer one is a protocol error, not an allocation.
inline constexpr std::size_t kMaxLineBytes = 16 * kMiB;

// ---- requests
// ---------------------------------------------------------------------------------------

/// First message. Loads the backends, connects to RPC servers, lists devices.
struct HelloRequest {
  int version = kVersion;
  std::vector<std::string> rpc;  ///< "host:port"
};

/// Reads a GGUF header (all splits) without weights.
struct InspectRequest {
  std::string path;
  bool header_only = false;  ///< the file may end before its weights do (a partial download)
};

/// What llama.cpp would allocate for each config, asked with allocation switched off. Needs the
/// header only, and no free memory. Configs of one placement are cheapest side by side: a placement
/// costs a pass over the header, context settings only a context.
struct MapRequest {
  std::string path;
  std::vector<Config> configs;
};

/// A model of a few consecutive blocks of another one, made of that one's own weights in memory, to
/// time blocks without loading them all.
struct Slice {
  std::uint32_t first_block = 0;
  std::uint32_t n_blocks = 1;
  /// Rows kept of the embeddings and the output, and then no vocabulary but its size. 0 = all, with
  /// the vocabulary.
  std::uint32_t vocab_rows = 0;

  bool operator==(const Slice&) const = default;
};

/// Loads the weights. The process must hold no model.
struct LoadRequest {
  std::string path;
  Placement placement;  ///< of a slice: of its own blocks, counted from 0, and its output
  /// Weights that the file does not hold (a header, a partial download) are made up for a slice.
  std::optional<Slice> slice = {};
};

/// Makes a context for the loaded model, replacing the one there is.
struct ContextRequest {
  ContextSettings context;
};

enum class MeasureKind { prompt, generation };

constexpr EnumNames<MeasureKind, 2> names_of(MeasureKind /*of*/) {
  return {{{MeasureKind::prompt, "prompt"}, {MeasureKind::generation, "generation"}}};
}

/// Runs passes until `stop` or `max_samples`. A pass sets every sequence of the context to exactly
/// `cache_tokens` tokens, then
///  - prompt: decodes `tokens_per_pass` tokens of one sequence in batches of n_batch, a sample a
///    pass;
///  - generation: decodes `tokens_per_pass` steps of one token of every sequence side by side, one
///    sample each. A sample's tokens are those of all sequences.
/// Setting the cache is not timed. Every timed decode ends with a synchronisation.
struct MeasureRequest {
  MeasureKind kind = MeasureKind::generation;
  std::uint32_t cache_tokens = 0;
  std::uint32_t tokens_per_pass = 1;
  std::uint32_t max_samples = 1;
};

constexpr Phase phase_of(const MeasureRequest& request) {
  return request.kind == MeasureKind::prompt ? Phase::prompt : Phase::generation;
}

/// Decodes a fixed token sequence from an empty cache and returns logits at fixed vocabulary
/// positions.
struct CheckRequest {};

/// Decodes a fixed text (tokens of CheckRequest's kind where the model has no vocabulary) from an
/// empty cache and compares the probabilities of the next token with those kept before: what
/// another cache type costs in accuracy. They are kept in the process, whatever the context.
struct DivergenceRequest {
  bool keep_as_reference = false;  ///< keep, compare with nothing
  std::uint32_t tokens = 256;      ///< 2..256; the second half of the positions is compared
};

/// Fills the whole context, each sequence its part, then decodes one batch and a few steps of one
/// token of every sequence at its end. Memory that is only taken at depth is taken now (R32).
struct FullDepthRequest {};

/// Frees context and model.
struct UnloadRequest {};

/// Geometry of a synthetic model; every count as the GGUF key of that name means it.
struct SynthRequest {
  std::string out_path;
  /// Copy this header's metadata and tensor list; of the rest only like_blocks, header_only,
  /// no_vocab and seed are used.
  std::optional<std::string> like_path;
  std::uint32_t like_blocks = 0;  ///< only that many first blocks of like_path, 0 = all
  bool header_only = false;       ///< the file ends where the tensors' data would begin
  bool no_vocab = false;          ///< a vocab_size instead of a vocabulary
  /// llama, qwen2, qwen3, qwen3moe, gemma3, lfm2, bert, nomic-bert, t5, t5encoder
  std::string architecture = "llama";
  std::string name;  ///< general.name; empty = made from the geometry
  std::uint32_t blocks = 22;
  std::uint32_t embd = 2048;
  std::uint32_t ff = 5632;
  std::uint32_t heads = 32;
  std::uint32_t kv_heads = 4;
  std::uint32_t head_dim = 0;  ///< 0 = embd / heads
  std::uint32_t vocab = 32000;
  std::uint32_t ctx_train = 4096;
  std::string type = "q4_K";  ///< ggml type of the matrices; K types are mixed as llama.cpp's _M
  std::uint32_t experts = 0;  ///< 0 = dense
  std::uint32_t experts_used = 0;
  std::uint32_t expert_ff = 0;       ///< 0 = ff
  bool attention_bias = false;       ///< biases on Q, K and V
  bool tied_output = false;          ///< no output.weight: the embeddings serve
  std::uint32_t sliding_window = 0;  ///< 0 = what models of the architecture usually have
  /// Of lfm2: blocks with attention, the others have a convolution; empty = every third one.
  std::vector<std::uint32_t> attention_blocks;
  std::string pooling;  ///< of a model that only reads; empty = mean
  std::uint64_t seed = 1;
};

/// Serves this machine's devices over ggml's RPC until the process ends. Answers with `ready`,
/// never `done`.
struct ServeRequest {
  std::string host = "127.0.0.1";
  int port = 50052;
  int threads = 0;                   ///< 0 = the cores that may be used
  std::vector<std::string> devices;  ///< ggml names; empty = CPU
};

/// Ends the measurement in flight; its `done` follows.
struct StopRequest {};

using Request = std::variant<HelloRequest, InspectRequest, MapRequest, LoadRequest, ContextRequest,
                             MeasureRequest, CheckRequest, DivergenceRequest, FullDepthRequest,
                             UnloadRequest, SynthRequest, ServeRequest, StopRequest>;

struct RequestMessage {
  std::uint64_t id = 0;
  Request request;
};

// ---- results
// ----------------------------------------------------------------------------------------

/// What a worker can do. The one that links llama.cpp can do all of it.
struct Abilities {
  bool maps = true;  ///< answers `map`
  /// A `context` after `load` or after another context costs no load. Otherwise `load` only
  /// remembers what to load, `context` loads it, and says what LoadResult would have said.
  bool keeps_weights = true;
  bool slices = true;        ///< loads a slice
  bool copies_depth = true;  ///< fills a plain cache without decoding each of its tokens

  bool operator==(const Abilities&) const = default;
};

struct HelloResult {
  int version = kVersion;
  Engine engine;
  std::vector<Device> devices;
  int threads = 0;  ///< what 0 threads means in this worker
  /// Why devices may be missing, each a sentence: a backend that lies beside ggml and cannot be
  /// loaded, with the loader's reason; a llama-server that does not list them.
  std::vector<std::string> backend_problems = {};
  Abilities abilities = {};
};

struct InspectResult {
  ModelInfo model;
};

struct MapResult {
  std::vector<PlannedMemory> maps;  ///< one for each config, in order
  std::uint32_t loads = 0;          ///< passes over the header
  double seconds = 0;
};

/// Weights of a slice, as they lie in the file.
struct SliceBytes {
  std::uint64_t total_bytes = 0;
  std::uint64_t block_bytes = 0;   ///< all blocks of the slice
  std::uint64_t output_bytes = 0;  ///< read for each token: the output rows, or the embeddings
                                   ///< where they serve as output; the other embeddings are not

  bool operator==(const SliceBytes&) const = default;
};

struct LoadResult {
  double seconds = 0;                 ///< of a slice: without the time to build it
  Reading<int> n_gpu_layers;          ///< offloaded, as llama.cpp's own load report says
  Reading<int> n_layers_offloadable;  ///< out of how many
  std::optional<SliceBytes> slice = {};
};

struct ContextResult {
  double seconds = 0;
  EffectiveConfig effective;  ///< n_gpu_layers as in LoadResult
  MemoryMap memory;           ///< empty where this llama.cpp cannot tell
  std::string memory_note;    ///< why it is empty
  std::int64_t pid = 0;       ///< the process that computes; 0 = the worker itself
};

struct MeasureResult {
  std::uint32_t passes = 0;
  double fill_seconds = 0;  ///< spent setting the cache
};

struct CheckResult {
  bool finite = true;         ///< as in SampleEvent
  std::vector<float> logits;  ///< empty where they are not finite: JSON has no NaN
};

/// Kullback-Leibler divergence D(reference || current) of the next token's probabilities, in nats,
/// over the compared positions. With keep_as_reference only `positions` is set.
struct DivergenceResult {
  std::uint32_t positions = 0;
  double mean = 0;
  double p99 = 0;  ///< the smallest that at least 99 % of the positions do not exceed
  double max = 0;
  double same_top = 1;  ///< share of positions whose most probable token is the same, 0..1
};

struct FullDepthResult {
  std::uint32_t n_sequences = 1;
  std::uint32_t tokens_each = 0;  ///< in the cache of each sequence at the end
  std::string filled_by;          ///< "decode" or "copy" (decoded cells were copied over the cache)
  double seconds = 0;
  std::vector<double> steps_ms;  ///< each of the last steps: one token of every sequence together
};

struct UnloadResult {};

struct SynthResult {
  std::uint64_t bytes = 0;
  std::uint64_t n_params = 0;
  std::uint64_t tensors = 0;
};

using ResultBody =
    std::variant<HelloResult, InspectResult, MapResult, LoadResult, ContextResult, MeasureResult,
                 CheckResult, DivergenceResult, FullDepthResult, UnloadResult, SynthResult>;

// ---- events
// -----------------------------------------------------------------------------------------

/// Every 500 ms from a thread of its own: the process is scheduled, whatever the library does.
struct Heartbeat {};

/// The worker entered a phase, or went on in it. `fraction` is 0..1, negative where unknown.
struct Progress {
  Phase phase = Phase::load;
  double fraction = -1;
};

/// One timed decode, of one sequence or all. `finite` is false when its logits held a NaN or an
/// infinity, or were all exactly alike: some quantized kernels turn NaN states into zeros.
struct SampleEvent {
  Sample sample;
  bool finite = true;
};

/// `serve` listens (or is about to: ggml's server reports nothing back).
struct Ready {
  std::string endpoint;
};

/// The request succeeded.
struct Done {
  ResultBody result;
};

/// What went wrong, as a fact.
enum class FaultCode {
  bad_request,  ///< the worker does not understand or cannot do this now
  version_mismatch,
  config_rejected,  ///< settings that do not go together, or not with the devices here
  cannot_open,      ///< errno in the message
  header_invalid,   ///< ggml cannot parse the GGUF, or an extent lies outside the file
  file_changed,     ///< size, mtime or inode differ from before
  unsupported,      ///< an architecture or type this llama.cpp does not know
  not_measurable,   ///< a model that llama.cpp runs in a way that nobody here times
  model_null,       ///< the loader returned no model
  context_null,     ///< no context
  decode_failed,    ///< llama_decode's return code is in the message
  non_finite,
  device_unknown,
  rpc_refused,  ///< nothing listens there
  cannot_write,
  engine_ended,  ///< the llama-server that a worker drives is gone or makes no sense: the message
                 ///< says
  exception,     ///< a C++ exception from the library, its what() in the message
};

constexpr EnumNames<FaultCode, 17> names_of(FaultCode /*of*/) {
  return {{
      {FaultCode::bad_request, "bad-request"},
      {FaultCode::version_mismatch, "version-mismatch"},
      {FaultCode::config_rejected, "config-rejected"},
      {FaultCode::cannot_open, "cannot-open"},
      {FaultCode::header_invalid, "header-invalid"},
      {FaultCode::file_changed, "file-changed"},
      {FaultCode::unsupported, "unsupported"},
      {FaultCode::not_measurable, "not-measurable"},
      {FaultCode::model_null, "model-null"},
      {FaultCode::context_null, "context-null"},
      {FaultCode::decode_failed, "decode-failed"},
      {FaultCode::non_finite, "non-finite"},
      {FaultCode::device_unknown, "device-unknown"},
      {FaultCode::rpc_refused, "rpc-refused"},
      {FaultCode::cannot_write, "cannot-write"},
      {FaultCode::engine_ended, "engine-ended"},
      {FaultCode::exception, "exception"},
  }};
}

/// The request failed; the worker lives on.
struct Fault {
  FaultCode code = FaultCode::bad_request;
  Phase phase = Phase::start;
  std::string message;
  std::vector<std::string> log;  ///< the library's last warnings and errors, oldest first
};

using Event = std::variant<Heartbeat, Progress, SampleEvent, Ready, Done, Fault>;

struct EventMessage {
  std::uint64_t id = 0;  ///< 0 for heartbeats
  Event event;
};

// ---- text
// -------------------------------------------------------------------------------------------

/// One line of JSON without the newline.
std::string encode(const RequestMessage& message);
std::string encode(const EventMessage& message);

/// Errors are of kind internal and name the first field that is wrong. Never throws.
Result<RequestMessage> decode_request(std::string_view line);
Result<EventMessage> decode_event(std::string_view line);

}  // namespace sweetspot::protocol
