#include "protocol/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>
#include <set>

#include "core/json.hpp"
#include "golden/read_golden.hpp"
#include "protocol/samples.hpp"

namespace sweetspot::protocol {
namespace {

using testing::HasSubstr;

template <typename T>
T through_wire(const T& request) {
  const auto decoded = decode_request(encode(RequestMessage{42, request}));
  EXPECT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->id, 42U);
  return std::get<T>(decoded->request);
}

template <typename T>
T event_through_wire(const T& event) {
  const auto decoded = decode_event(encode(EventMessage{42, event}));
  EXPECT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->id, 42U);
  return std::get<T>(decoded->event);
}

template <typename T>
T result_through_wire(const T& result) {
  return std::get<T>(event_through_wire(Done{result}).result);
}

TEST(Messages, HelloRequest) {
  const auto got = through_wire(HelloRequest{7, {"127.0.0.1:50052", "host:1"}});
  EXPECT_EQ(got.version, 7);
  EXPECT_EQ(got.rpc, (std::vector<std::string>{"127.0.0.1:50052", "host:1"}));
}

TEST(Messages, LoadAndContextRequestsKeepEveryKnob) {
  const auto load = through_wire(LoadRequest{"/a.gguf", sample_placement()});
  EXPECT_EQ(load.path, "/a.gguf");
  EXPECT_EQ(load.placement, sample_placement());
  EXPECT_EQ(through_wire(LoadRequest{}).placement, Placement{});
  EXPECT_EQ(through_wire(ContextRequest{sample_context()}).context, sample_context());
  EXPECT_EQ(through_wire(ContextRequest{}).context, ContextSettings{});
}

TEST(Messages, SlicesAndTheirBytes) {
  const Slice slice{3, 2, 1024};
  EXPECT_EQ(through_wire(LoadRequest{"/a.gguf", {}, slice}).slice, slice);
  EXPECT_EQ(through_wire(LoadRequest{"/a.gguf", {}}).slice, std::nullopt);
  const SliceBytes bytes{100, 70, 20};
  EXPECT_EQ(result_through_wire(LoadResult{1, 2, 3, bytes}).slice, bytes);
  EXPECT_EQ(result_through_wire(LoadResult{}).slice, std::nullopt);
}

TEST(Messages, DivergenceRequestAndResult) {
  const auto asked = through_wire(DivergenceRequest{true, 128});
  EXPECT_TRUE(asked.keep_as_reference);
  EXPECT_EQ(asked.tokens, 128U);
  const auto got = result_through_wire(DivergenceResult{128, 0.5, 1.5, 2.5, 0.75});
  EXPECT_EQ(got.positions, 128U);
  EXPECT_EQ(std::tuple(got.mean, got.p99, got.max, got.same_top), std::tuple(0.5, 1.5, 2.5, 0.75));
}

TEST(Messages, MapRequestAndResult) {
  const MapRequest sent{"/a.gguf", {{sample_placement(), sample_context()}, {}}};
  const auto got = through_wire(sent);
  EXPECT_EQ(got.path, sent.path);
  EXPECT_EQ(got.configs, sent.configs);
  const MapResult result{
      {{{{"CUDA0", 1, 2, 3, 0}, {"CPU", 4, 5, 6, 4}}, 8192, ""}, {{}, 0, "no"}}, 2, 0.5};
  const auto back = result_through_wire(result);
  EXPECT_EQ(back.maps, result.maps);
  EXPECT_EQ(back.loads, 2U);
  EXPECT_EQ(back.seconds, 0.5);
}

TEST(Messages, MeasureAndServeRequests) {
  const auto measure = through_wire(MeasureRequest{MeasureKind::prompt, 100, 512, 30});
  EXPECT_EQ(measure.kind, MeasureKind::prompt);
  EXPECT_EQ(measure.cache_tokens, 100U);
  EXPECT_EQ(measure.tokens_per_pass, 512U);
  EXPECT_EQ(measure.max_samples, 30U);
  const auto serve = through_wire(ServeRequest{"0.0.0.0", 1234, 3, {"CPU"}});
  EXPECT_EQ(serve.host, "0.0.0.0");
  EXPECT_EQ(serve.port, 1234);
  EXPECT_EQ(serve.threads, 3);
  EXPECT_EQ(serve.devices, (std::vector<std::string>{"CPU"}));
}

TEST(Messages, SynthRequest) {
  const SynthRequest sent = sample_synth();
  const auto got = through_wire(sent);
  EXPECT_EQ(got.out_path, sent.out_path);
  EXPECT_EQ(got.like_path, sent.like_path);
  EXPECT_EQ(got.architecture, sent.architecture);
  EXPECT_EQ(got.name, "a \"name\" with \x1b[31m and \xef\xbf\xbd") << "invalid UTF-8 is replaced";
  EXPECT_EQ(std::tie(got.blocks, got.embd, got.ff, got.heads, got.kv_heads, got.head_dim),
            std::tie(sent.blocks, sent.embd, sent.ff, sent.heads, sent.kv_heads, sent.head_dim));
  EXPECT_EQ(
      std::tie(got.vocab, got.ctx_train, got.type, got.experts, got.experts_used, got.expert_ff),
      std::tie(sent.vocab, sent.ctx_train, sent.type, sent.experts, sent.experts_used,
               sent.expert_ff));
  EXPECT_EQ(std::tie(got.attention_bias, got.tied_output, got.seed),
            std::tie(sent.attention_bias, sent.tied_output, sent.seed));
  EXPECT_EQ(std::tie(got.like_blocks, got.header_only, got.no_vocab),
            std::tie(sent.like_blocks, sent.header_only, sent.no_vocab));
  EXPECT_EQ(std::tie(got.sliding_window, got.attention_blocks),
            std::tie(sent.sliding_window, sent.attention_blocks));
  EXPECT_EQ(through_wire(SynthRequest{}).like_path, std::nullopt);
  EXPECT_TRUE(through_wire(SynthRequest{}).attention_blocks.empty());
}

TEST(Messages, HelloResult) {
  const HelloResult sent = sample_hello();
  const auto got = result_through_wire(sent);
  EXPECT_EQ(got.version, 9);
  EXPECT_EQ(got.threads, 6);
  EXPECT_EQ(got.engine.llama_version, "0.7.0");
  EXPECT_EQ(got.engine.backends, sent.engine.backends);
  EXPECT_EQ(got.backend_problems, sent.backend_problems);
  EXPECT_EQ(got.abilities, sent.abilities);
  ASSERT_EQ(got.devices.size(), 2U);
  EXPECT_EQ(got.devices[0].pci_bus_id, sent.devices[0].pci_bus_id);
  EXPECT_EQ(got.devices[0].memory_free_bytes, sent.devices[0].memory_free_bytes)
      << "the reason of an absence travels";
  EXPECT_EQ(got.devices[1].type, DeviceType::cpu);
}

TEST(Messages, InspectResult) {
  const ModelInfo sent = sample_model();
  const ModelInfo got = result_through_wire(InspectResult{sent}).model;
  EXPECT_EQ(got.files, sent.files);
  EXPECT_EQ(got.name, sent.name);
  EXPECT_EQ(got.n_ff, sent.n_ff);
  EXPECT_EQ(got.layers.size(), 2U);
  EXPECT_EQ(to_json(got), to_json(sent));
}

TEST(Messages, LoadAndContextResults) {
  const auto load = result_through_wire(LoadResult{1.5, 20, Absence{"not printed"}});
  EXPECT_EQ(load.seconds, 1.5);
  EXPECT_EQ(load.n_gpu_layers, Reading<int>(20));
  EXPECT_EQ(load.n_layers_offloadable, Reading<int>(Absence{"not printed"}));
  const ContextResult sent = sample_context_result();
  const auto context = result_through_wire(sent);
  EXPECT_EQ(context.seconds, 0.25);
  EXPECT_EQ(context.memory, sent.memory);
  EXPECT_EQ(context.memory_note, "a note");
  EXPECT_EQ(to_json(context.effective), to_json(sent.effective));
}

TEST(Messages, MeasuringResults) {
  const auto measure = result_through_wire(MeasureResult{12, 0.5});
  EXPECT_EQ(measure.passes, 12U);
  EXPECT_EQ(measure.fill_seconds, 0.5);
  const auto depth = result_through_wire(FullDepthResult{4, 1024, "copy", 2.5, {41.25, 40.5}});
  EXPECT_EQ(depth.n_sequences, 4U);
  EXPECT_EQ(depth.tokens_each, 1024U);
  EXPECT_EQ(depth.filled_by, "copy");
  EXPECT_EQ(depth.seconds, 2.5);
  EXPECT_EQ(depth.steps_ms, (std::vector<double>{41.25, 40.5}));
  const auto synth = result_through_wire(SynthResult{1, 2, 3});
  EXPECT_EQ(std::tie(synth.bytes, synth.n_params, synth.tensors), std::make_tuple(1U, 2U, 3U));
}

TEST(Messages, LogitsThatAreNoNumbersStayNoNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const auto check = result_through_wire(CheckResult{false, {1.5F, nan, -infinity, 1e-30F}});
  EXPECT_FALSE(check.finite);
  ASSERT_EQ(check.logits.size(), 4U);
  EXPECT_EQ(check.logits[0], 1.5F);
  EXPECT_TRUE(std::isnan(check.logits[1]));
  EXPECT_TRUE(std::isnan(check.logits[2]));
  EXPECT_EQ(check.logits[3], 1e-30F);
}

TEST(Messages, Events) {
  const auto progress = event_through_wire(Progress{Phase::full_depth, 0.75});
  EXPECT_EQ(progress.phase, Phase::full_depth);
  EXPECT_EQ(progress.fraction, 0.75);
  const auto sample = event_through_wire(SampleEvent{{12.5, 3.25, 512}, false});
  EXPECT_EQ(sample.sample.start_ms, 12.5);
  EXPECT_EQ(sample.sample.duration_ms, 3.25);
  EXPECT_EQ(sample.sample.tokens, 512U);
  EXPECT_FALSE(sample.finite);
  EXPECT_EQ(event_through_wire(Ready{"a:1"}).endpoint, "a:1");
  const auto fault =
      event_through_wire(Fault{FaultCode::model_null, Phase::load, "no model", {"one", "two"}});
  EXPECT_EQ(fault.code, FaultCode::model_null);
  EXPECT_EQ(fault.phase, Phase::load);
  EXPECT_EQ(fault.message, "no model");
  EXPECT_EQ(fault.log, (std::vector<std::string>{"one", "two"}));
}

TEST(Messages, EveryKindComesBackAsItself) {
  for (const RequestMessage& message : sample_requests()) {
    const std::string line = encode(message);
    const auto decoded = decode_request(line);
    ASSERT_TRUE(decoded) << line << "\n" << decoded.error().message;
    EXPECT_EQ(decoded->id, message.id);
    EXPECT_EQ(decoded->request.index(), message.request.index());
    EXPECT_EQ(encode(*decoded), line);
  }
  for (const EventMessage& message : sample_events()) {
    const std::string line = encode(message);
    const auto decoded = decode_event(line);
    ASSERT_TRUE(decoded) << line << "\n" << decoded.error().message;
    EXPECT_EQ(decoded->id, message.id);
    EXPECT_EQ(decoded->event.index(), message.event.index());
    EXPECT_EQ(encode(*decoded), line);
  }
}

// The file comes from the writers that there were before values described themselves.
TEST(Messages, AreWrittenByteForByteAsBefore) {
  std::string lines;
  for (const RequestMessage& message : sample_requests()) lines += encode(message) + '\n';
  for (const EventMessage& message : sample_events()) lines += encode(message) + '\n';
  EXPECT_EQ(tests::read_golden("messages.jsonl"), lines);
}

TEST(Messages, SamplesCoverEveryKind) {
  std::set<std::size_t> kinds;
  for (const auto& message : sample_requests()) kinds.insert(message.request.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<Request>);
  kinds.clear();
  std::set<std::size_t> results;
  for (const auto& message : sample_events()) {
    kinds.insert(message.event.index());
    if (const auto* done = std::get_if<Done>(&message.event)) results.insert(done->result.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Event>);
  EXPECT_EQ(results.size(), std::variant_size_v<ResultBody>);
}

TEST(Messages, ALineIsPrintableAsciiWithoutNewline) {
  for (const RequestMessage& message : sample_requests()) {
    for (const char c : encode(message)) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
  }
}

TEST(Messages, AnyValuesSurvive) {
  EXPECT_TRUE(rc::check("numbers", [] {
    const SampleEvent sample{
        {static_cast<double>(*rc::gen::arbitrary<float>()),
         static_cast<double>(*rc::gen::arbitrary<float>()), *rc::gen::arbitrary<std::uint32_t>()},
        *rc::gen::arbitrary<bool>()};
    RC_PRE(std::isfinite(sample.sample.start_ms) && std::isfinite(sample.sample.duration_ms));
    const auto got =
        decode_event(encode(EventMessage{*rc::gen::arbitrary<std::uint64_t>(), sample}));
    RC_ASSERT(got.has_value());
    const auto& event = std::get<SampleEvent>(got->event);
    RC_ASSERT(event.sample.start_ms == sample.sample.start_ms);
    RC_ASSERT(event.sample.duration_ms == sample.sample.duration_ms);
    RC_ASSERT(event.sample.tokens == sample.sample.tokens);
    RC_ASSERT(event.finite == sample.finite);
  }));
  EXPECT_TRUE(rc::check("any bytes in text still make one valid line", [](const std::string& text) {
    const std::string line =
        encode(EventMessage{1, Fault{FaultCode::exception, Phase::load, text, {text}}});
    RC_ASSERT(line.find('\n') == std::string::npos);
    RC_ASSERT(decode_event(line).has_value());
  }));
}

struct BadLine {
  std::string line;
  std::string names;  // what the error has to mention
};

TEST(Messages, ErrorsNameTheFirstBadField) {
  const std::vector<BadLine> lines = {
      {R"({"event":"heartbeat"})", "id is missing"},
      {R"({"id":-1,"event":"heartbeat"})", "id is not in range"},
      {R"({"id":1.5,"event":"heartbeat"})", "id is not a whole number"},
      {R"({"id":"1","event":"heartbeat"})", "id is not a whole number"},
      {R"({"id":1})", "event is missing"},
      {R"({"id":1,"event":7})", "event is not text"},
      {R"({"id":1,"event":"dance"})", "event has the unknown value 'dance'"},
      {R"({"id":1,"event":"progress","fraction":1})", "phase is missing"},
      {R"({"id":1,"event":"progress","phase":"sleep","fraction":1})", "phase is not a known phase"},
      {R"({"id":1,"event":"progress","phase":"load","fraction":null})", "fraction is not a number"},
      {R"({"id":1,"event":"sample","start_ms":0,"duration_ms":1,"tokens":4294967296,"finite":true})",
       "tokens is not in range"},
      {R"({"id":1,"event":"sample","start_ms":0,"duration_ms":1,"tokens":1,"finite":1})",
       "finite is not true or false"},
      {R"({"id":1,"event":"done"})", "result is not an object"},
      {R"({"id":1,"event":"done","result":{"of":"nothing"}})", "of has the unknown value"},
      {R"({"id":1,"event":"done","result":{"of":"hello","version":1,"engine":{}}})", "engine"},
      {R"({"id":1,"event":"done","result":{"of":"check","finite":true,"logits":[1,"x"]}})",
       "logits is not a number"},
      {R"({"id":1,"event":"done","result":{"of":"check","finite":true,"logits":[1e300]}})",
       "logits is not a list of numbers in range"},
      {R"({"id":1,"event":"fault","code":"oops","phase":"load","message":"m","log":[]})",
       "code is not a known code"},
      {R"([1,2])", "not an object"},
      {"", "not JSON"},
      {"hello", "not JSON"},
  };
  for (const BadLine& bad : lines) {
    const auto decoded = decode_event(bad.line);
    ASSERT_FALSE(decoded) << bad.line;
    EXPECT_EQ(decoded.error().kind, ErrorKind::internal);
    EXPECT_THAT(decoded.error().message, HasSubstr(bad.names)) << bad.line;
  }
}

TEST(Messages, BracketsWithoutEndCostNoMemory) {
  const auto decoded = decode_event(std::string(std::size_t{8} << 20U, '['));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, HasSubstr("nested too deeply"));
  EXPECT_TRUE(
      decode_event(R"({"id":1,"event":"ready","endpoint":")" + std::string(500, '[') + R"("})"))
      << "brackets in text are text";
}

TEST(Messages, FaultCodesHaveNames) {
  for (const FaultCode code :
       {FaultCode::bad_request, FaultCode::non_finite, FaultCode::exception}) {
    EXPECT_EQ(from_string<FaultCode>(to_string(code)), code);
  }
  EXPECT_EQ(from_string<FaultCode>("unheard-of"), std::nullopt);
}

}  // namespace
}  // namespace sweetspot::protocol
