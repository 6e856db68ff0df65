#include "protocol/messages.hpp"

#include <type_traits>

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

namespace sweetspot::protocol {

// ---- the members of every message: name on the wire, member
// ----------------------------------------------

// Both parts of a config go as a whole one, in the words of the table of knobs: a new knob is
// carried by itself.
template <typename Part, typename Member>
void part_of_config(auto& f, Part& part, Member Config::*member) {
  Config config;
  config.*member = part;
  f("config", config);
  if constexpr (!std::is_const_v<Part>) part = config.*member;
}

void fields(auto& f, Is<HelloRequest> auto& m) {
  f("version", m.version);
  f("rpc", m.rpc);
}
void fields(auto& f, Is<InspectRequest> auto& m) {
  f("path", m.path);
  f("header_only", m.header_only);
}
void fields(auto& f, Is<MapRequest> auto& m) {
  f("path", m.path);
  f("configs", m.configs);
}
void fields(auto& f, Is<Slice> auto& m) {
  f("first_block", m.first_block);
  f("n_blocks", m.n_blocks);
  f("vocab_rows", m.vocab_rows);
}
void fields(auto& f, Is<LoadRequest> auto& m) {
  f("path", m.path);
  part_of_config(f, m.placement, &Config::placement);
  f("slice", m.slice);
}
void fields(auto& f, Is<ContextRequest> auto& m) { part_of_config(f, m.context, &Config::context); }
void fields(auto& f, Is<MeasureRequest> auto& m) {
  f("kind", m.kind);
  f("cache_tokens", m.cache_tokens);
  f("tokens_per_pass", m.tokens_per_pass);
  f("max_samples", m.max_samples);
}
void fields(auto& /*f*/, Is<CheckRequest> auto& /*m*/) {}
void fields(auto& f, Is<DivergenceRequest> auto& m) {
  f("keep_as_reference", m.keep_as_reference);
  f("tokens", m.tokens);
}
void fields(auto& /*f*/, Is<FullDepthRequest> auto& /*m*/) {}
void fields(auto& /*f*/, Is<UnloadRequest> auto& /*m*/) {}
void fields(auto& f, Is<SynthRequest> auto& m) {
  f("out_path", m.out_path);
  f("like_path", m.like_path);
  f("like_blocks", m.like_blocks);
  f("header_only", m.header_only);
  f("no_vocab", m.no_vocab);
  f("architecture", m.architecture);
  f("name", m.name);
  f("blocks", m.blocks);
  f("embd", m.embd);
  f("ff", m.ff);
  f("heads", m.heads);
  f("kv_heads", m.kv_heads);
  f("head_dim", m.head_dim);
  f("vocab", m.vocab);
  f("ctx_train", m.ctx_train);
  f("type", m.type);
  f("experts", m.experts);
  f("experts_used", m.experts_used);
  f("expert_ff", m.expert_ff);
  f("attention_bias", m.attention_bias);
  f("tied_output", m.tied_output);
  f("sliding_window", m.sliding_window);
  f("attention_blocks", m.attention_blocks);
  f("pooling", m.pooling);
  f("seed", m.seed);
}
void fields(auto& f, Is<ServeRequest> auto& m) {
  f("host", m.host);
  f("port", m.port);
  f("threads", m.threads);
  f("devices", m.devices);
}
void fields(auto& /*f*/, Is<StopRequest> auto& /*m*/) {}

void fields(auto& f, Is<Abilities> auto& m) {
  f("maps", m.maps);
  f("keeps_weights", m.keeps_weights);
  f("slices", m.slices);
  f("copies_depth", m.copies_depth);
}
void fields(auto& f, Is<HelloResult> auto& m) {
  f("version", m.version);
  f("engine", m.engine);
  f("devices", m.devices);
  f("threads", m.threads);
  f.later("backend_problems", m.backend_problems);
  f.later("abilities", m.abilities);
}
void fields(auto& f, Is<InspectResult> auto& m) { f("model", m.model); }
void fields(auto& f, Is<MapResult> auto& m) {
  f("maps", m.maps);
  f("loads", m.loads);
  f("seconds", m.seconds);
}
void fields(auto& f, Is<SliceBytes> auto& m) {
  f("total_bytes", m.total_bytes);
  f("block_bytes", m.block_bytes);
  f("output_bytes", m.output_bytes);
}
void fields(auto& f, Is<LoadResult> auto& m) {
  f("seconds", m.seconds);
  f("n_gpu_layers", m.n_gpu_layers);
  f("n_layers_offloadable", m.n_layers_offloadable);
  f("slice", m.slice);
}
void fields(auto& f, Is<ContextResult> auto& m) {
  f("seconds", m.seconds);
  f("effective", m.effective);
  f("memory", m.memory);
  f("memory_note", m.memory_note);
  f.later("pid", m.pid);
}
void fields(auto& f, Is<MeasureResult> auto& m) {
  f("passes", m.passes);
  f("fill_seconds", m.fill_seconds);
}
void fields(auto& f, Is<CheckResult> auto& m) {
  f("finite", m.finite);
  f("logits", m.logits);
}
void fields(auto& f, Is<DivergenceResult> auto& m) {
  f("positions", m.positions);
  f("mean", m.mean);
  f("p99", m.p99);
  f("max", m.max);
  f("same_top", m.same_top);
}
void fields(auto& f, Is<FullDepthResult> auto& m) {
  f("n_sequences", m.n_sequences);
  f("tokens_each", m.tokens_each);
  f("filled_by", m.filled_by);
  f("seconds", m.seconds);
  f("steps_ms", m.steps_ms);
}
void fields(auto& /*f*/, Is<UnloadResult> auto& /*m*/) {}
void fields(auto& f, Is<SynthResult> auto& m) {
  f("bytes", m.bytes);
  f("n_params", m.n_params);
  f("tensors", m.tensors);
}

void fields(auto& /*f*/, Is<Heartbeat> auto& /*m*/) {}
void fields(auto& f, Is<Progress> auto& m) {
  f("phase", m.phase);
  f("fraction", m.fraction);
}
void fields(auto& f, Is<SampleEvent> auto& m) {
  f("start_ms", m.sample.start_ms);
  f("duration_ms", m.sample.duration_ms);
  f("tokens", m.sample.tokens);
  f("finite", m.finite);
}
void fields(auto& f, Is<Ready> auto& m) { f("endpoint", m.endpoint); }
void fields(auto& f, Is<Fault> auto& m) {
  f("code", m.code);
  f("phase", m.phase);
  f("message", m.message);
  f("log", m.log);
}

namespace {

// ---- the names of messages
// -------------------------------------------------------------------------------

template <typename Message>
constexpr std::string_view kName = "";
template <>
constexpr std::string_view kName<HelloRequest> = "hello";
template <>
constexpr std::string_view kName<InspectRequest> = "inspect";
template <>
constexpr std::string_view kName<MapRequest> = "map";
template <>
constexpr std::string_view kName<LoadRequest> = "load";
template <>
constexpr std::string_view kName<ContextRequest> = "context";
template <>
constexpr std::string_view kName<MeasureRequest> = "measure";
template <>
constexpr std::string_view kName<CheckRequest> = "check";
template <>
constexpr std::string_view kName<DivergenceRequest> = "divergence";
template <>
constexpr std::string_view kName<FullDepthRequest> = "full-depth";
template <>
constexpr std::string_view kName<UnloadRequest> = "unload";
template <>
constexpr std::string_view kName<SynthRequest> = "synth";
template <>
constexpr std::string_view kName<ServeRequest> = "serve";
template <>
constexpr std::string_view kName<StopRequest> = "stop";
template <>
constexpr std::string_view kName<HelloResult> = "hello";
template <>
constexpr std::string_view kName<InspectResult> = "inspect";
template <>
constexpr std::string_view kName<MapResult> = "map";
template <>
constexpr std::string_view kName<LoadResult> = "load";
template <>
constexpr std::string_view kName<ContextResult> = "context";
template <>
constexpr std::string_view kName<MeasureResult> = "measure";
template <>
constexpr std::string_view kName<CheckResult> = "check";
template <>
constexpr std::string_view kName<DivergenceResult> = "divergence";
template <>
constexpr std::string_view kName<FullDepthResult> = "full-depth";
template <>
constexpr std::string_view kName<UnloadResult> = "unload";
template <>
constexpr std::string_view kName<SynthResult> = "synth";
template <>
constexpr std::string_view kName<Heartbeat> = "heartbeat";
template <>
constexpr std::string_view kName<Progress> = "progress";
template <>
constexpr std::string_view kName<SampleEvent> = "sample";
template <>
constexpr std::string_view kName<Ready> = "ready";
template <>
constexpr std::string_view kName<Done> = "done";
template <>
constexpr std::string_view kName<Fault> = "fault";

// ---- variants
// --------------------------------------------------------------------------------------------

void fields(auto& f, Is<Done> auto& done);

// The name of what the variant holds as member `tag`, then its members.
template <typename... Messages>
void one_of(JsonWriter& f, const char* tag, const std::variant<Messages...>& variant) {
  std::visit(
      [&]<typename Message>(const Message& message) {
        f(tag, kName<Message>);
        fields(f, message);
      },
      variant);
}

template <typename Message, typename Variant>
bool read_if_named(JsonReader& f, std::string_view name, Variant& variant) {
  if (name != kName<Message>) return false;
  fields(f, variant.template emplace<Message>());
  return true;
}

template <typename... Messages>
void one_of(JsonReader& f, const char* tag, std::variant<Messages...>& variant) {
  std::string name;
  f(tag, name);
  const bool known = (read_if_named<Messages>(f, name, variant) || ...);
  f.check(known,
          std::string(tag).append(" has the unknown value '").append(name).append("'").c_str());
}

// A result is an object of its own, because its members may be called as the event's are.
void fields(auto& f, Is<Done> auto& done) {
  f.group("result", [&](auto& result) { one_of(result, "of", done.result); });
}

// nlohmann parses any depth, and each level costs about a hundred bytes: 16 MiB of brackets would
// take a gigabyte. No message nests deeper than this.
constexpr int kMaxDepth = 32;

bool too_deep(std::string_view line) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
      continue;
    }
    if (c == '"') in_text = true;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kMaxDepth) return true;
  }
  return false;
}

template <typename Message, typename Variant>
Result<Message> decode(std::string_view line, const char* tag, Variant Message::*body) {
  if (too_deep(line)) return error(ErrorKind::internal, "message is nested too deeply");
  const auto json = parse_json(line);
  if (!json) return tl::unexpected(json.error());
  if (!json->is_object()) return error(ErrorKind::internal, "message is not an object");
  try {
    Message message;
    const JsonPlace document;
    JsonReader f(*json, document);
    f("id", message.id);
    one_of(f, tag, message.*body);
    return message;
  } catch (const nlohmann::json::exception& e) {
    return error(ErrorKind::internal, std::string(plain_json_error(e.what())));
  }
}

template <typename Message, typename Variant>
std::string encode_as(const Message& message, const char* tag, const Variant& body) {
  Json json = Json::object();
  JsonWriter f(json);
  f("id", message.id);
  one_of(f, tag, body);
  return dump(json);
}

}  // namespace

std::string encode(const RequestMessage& message) {
  return encode_as(message, "request", message.request);
}

std::string encode(const EventMessage& message) {
  return encode_as(message, "event", message.event);
}

Result<RequestMessage> decode_request(std::string_view line) {
  return decode(line, "request", &RequestMessage::request);
}

Result<EventMessage> decode_event(std::string_view line) {
  return decode(line, "event", &EventMessage::event);
}

}  // namespace sweetspot::protocol
