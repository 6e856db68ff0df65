// What each format says of a config, and what it says it cannot say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json.hpp"
#include "export/export.hpp"
#include "parse_back.hpp"

namespace sweetspot::exporting {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ExportJob usual_job() {
  ExportJob job;
  job.config.placement.n_gpu_layers = 20;
  job.config.context.n_ctx = 8192;
  job.config.context.n_batch = 1024;
  job.config.context.flash_attn = FlashAttention::on;
  job.config.context.n_threads = 6;
  job.model_path = "/models/small.gguf";
  job.offloadable_layers = 33;
  job.backend = "CUDA";
  return job;
}

Exported written(Format format, const ExportJob& job) {
  auto document = export_as(format, job);
  EXPECT_TRUE(document) << to_string(format) << ": " << document.error().message;
  return document ? *document : Exported{};
}

Json written_json(Format format, const ExportJob& job) {
  const auto json = parse_json(written(format, job).text);
  EXPECT_TRUE(json);
  return json ? *json : Json();
}

Json field(const Json& preset, const std::string& key) {
  for (const Json& one : preset["load"]["fields"]) {
    if (one["key"] == key) return one["value"];
  }
  return nullptr;
}

TEST(Formats, AreNamedAndFoundByTheirNames) {
  EXPECT_EQ(formats().size(), 10U);
  for (const Format format : formats()) {
    EXPECT_EQ(from_string<Format>(to_string(format)), format);
    EXPECT_THAT(written(format, usual_job()).text, testing::EndsWith("\n"));
  }
  EXPECT_EQ(from_string<Format>("gguf"), std::nullopt);
}

TEST(Environment, SaysWhatTheFlagsSay) {
  ExportJob job = usual_job();
  job.config.context.kv_offload = false;
  job.config.placement.override_tensor = {"ffn_.*=CPU"};
  job.rpc = {"127.0.0.1:1", "127.0.0.1:2"};
  const Exported document = written(Format::env, job);
  const auto lines = shell_words(document.text);
  for (const char* line :
       {"LLAMA_ARG_MODEL=/models/small.gguf", "LLAMA_ARG_N_GPU_LAYERS=20",
        "LLAMA_ARG_CTX_SIZE=8192", "LLAMA_ARG_BATCH=1024", "LLAMA_ARG_UBATCH=512",
        "LLAMA_ARG_FLASH_ATTN=on", "LLAMA_ARG_KV_OFFLOAD=off", "LLAMA_ARG_THREADS=6",
        "LLAMA_ARG_OVERRIDE_TENSOR=ffn_.*=CPU", "LLAMA_ARG_RPC=127.0.0.1:1,127.0.0.1:2",
        "LLAMA_ARG_FIT=off"}) {
    EXPECT_THAT(lines, Contains(line));
  }
  EXPECT_THAT(document.notes, IsEmpty());
}

TEST(Environment, NamesTheFlagThatHasNoVariable) {
  ExportJob job = usual_job();
  job.config.context.n_threads_batch = 8;
  const Exported document = written(Format::env, job);
  EXPECT_THAT(document.notes, Contains(HasSubstr("--threads-batch 8")));
  EXPECT_THAT(document.text, HasSubstr("# llama-server reads n_threads_batch"));
}

TEST(PresetIni, HoldsEveryFlagOfOneModel) {
  ExportJob job = usual_job();
  job.config.context.kv_offload = false;
  job.config.context.n_threads_batch = 8;
  const Exported document = written(Format::llama_server_ini, job);
  EXPECT_THAT(document.text, HasSubstr("\n[small]\n"));
  const auto values = ini_values(document.text);
  EXPECT_EQ(values.at("model"), "/models/small.gguf");
  EXPECT_EQ(values.at("n-gpu-layers"), "20");
  EXPECT_EQ(values.at("ctx-size"), "8192");
  EXPECT_EQ(values.at("kv-offload"), "false");
  EXPECT_EQ(values.at("threads-batch"), "8");
  EXPECT_EQ(values.at("fit"), "off");
  EXPECT_THAT(document.notes, IsEmpty());
}

TEST(PresetIni, CallsAModelByANameThatASectionCanHave) {
  ExportJob job = usual_job();
  job.name = "a]b\n[c";
  const Exported document = written(Format::llama_server_ini, job);
  EXPECT_THAT(document.text, HasSubstr("\n[a-b-x0a-c]\n"));
  EXPECT_THAT(document.notes, Contains(HasSubstr("called a-b-x0a-c")));
}

TEST(LlamaSwap, StartsTheServerOnItsPort) {
  const std::string text = written(Format::llama_swap, usual_job()).text;
  EXPECT_THAT(text, testing::StartsWith("models:\n  \"small\":\n    cmd: \"llama-server --port "
                                        "${PORT} --model /models/small.gguf --n-gpu-layers 20 "));
}

// ---- several models in one document

std::vector<ExportJob> three_models() {
  std::vector<ExportJob> jobs(3, usual_job());
  jobs[1].model_path = "/elsewhere/small.gguf";  // the same name
  jobs[1].config.context.n_ctx = 2048;
  jobs[2].model_path = "/models/large.gguf";
  return jobs;
}

TEST(SeveralModels, LlamaSwapHasOneListOfThem) {
  const auto document = export_together(Format::llama_swap, three_models());
  ASSERT_TRUE(document) << document.error().message;
  const std::string& text = document->text;
  EXPECT_EQ(text.find("models:"), text.rfind("models:"));
  for (const char* id : {"  \"small\":\n", "  \"small-2\":\n", "  \"large\":\n"}) {
    EXPECT_THAT(text, HasSubstr(id));
  }
  EXPECT_THAT(document->notes, ElementsAre(HasSubstr("model 2 is called small-2")));
}

TEST(SeveralModels, APresetHasASectionOfEach) {
  const auto document = export_together(Format::llama_server_ini, three_models());
  ASSERT_TRUE(document) << document.error().message;
  const std::string& text = document->text;
  EXPECT_EQ(text.find("version = 1"), text.rfind("version = 1"));
  const std::size_t second = text.find("\n[small-2]\nmodel = /elsewhere/small.gguf\n");
  ASSERT_NE(second, std::string::npos);
  EXPECT_NE(text.find("ctx-size = 2048\n", second), std::string::npos);
  EXPECT_THAT(text, HasSubstr("\n[large]\n"));
  EXPECT_THAT(document->notes, Contains(HasSubstr("--models-max 1")));
  EXPECT_THAT(written(Format::llama_server_ini, usual_job()).notes, IsEmpty());
}

TEST(SeveralModels, OtherFormatsHoldOne) {
  for (const Format format : formats()) {
    const auto document = export_together(format, three_models());
    EXPECT_EQ(document.has_value(), holds_several(format)) << to_string(format);
    if (!document) {
      EXPECT_EQ(document.error().kind, ErrorKind::usage);
    }
  }
  EXPECT_FALSE(export_together(Format::llama_swap, {}));
}

TEST(LlamaSwap, HidesMacrosOfAPath) {
  ExportJob job = usual_job();
  job.model_path = "/m/${PORT}${env.HOME}.gguf";
  const std::string text = written(Format::llama_swap, job).text;
  EXPECT_EQ(text.find("${PORT}", text.find("--model")), std::string::npos);
  EXPECT_EQ(text.find("${env"), std::string::npos);
}

TEST(Modelfile, SetsWhatOllamaKnowsAndSaysTheRest) {
  ExportJob job = usual_job();
  job.config.context.type_k = "q8_0";
  job.config.context.n_ubatch = 256;
  const Exported document = written(Format::ollama, job);
  EXPECT_THAT(document.text, HasSubstr("FROM /models/small.gguf\n"));
  EXPECT_THAT(document.text, HasSubstr("PARAMETER num_gpu 20\n"));
  EXPECT_THAT(document.text, HasSubstr("PARAMETER num_ctx 8192\n"));
  EXPECT_THAT(document.text, HasSubstr("PARAMETER num_batch 1024\n"));
  EXPECT_THAT(document.text, HasSubstr("PARAMETER num_thread 6\n"));
  EXPECT_THAT(document.notes, Contains(HasSubstr("type_k = q8_0; for all its models: "
                                                 "OLLAMA_KV_CACHE_TYPE")));
  EXPECT_THAT(document.notes, Contains(HasSubstr("n_ubatch = 256")));
  EXPECT_THAT(document.text, HasSubstr("# Ollama cannot be told n_ubatch = 256.\n"));
  EXPECT_THAT(document.notes, Not(Contains(HasSubstr("n_parallel"))));
}

TEST(Modelfile, SaysThatOllamaTakesNoShards) {
  ExportJob job = usual_job();
  job.model_path = "/models/large-00001-of-00003.gguf";
  EXPECT_THAT(written(Format::ollama, job).notes,
              Contains(HasSubstr("this one has 3: join them with llama-gguf-split --merge")));
  for (const char* one : {"/models/a-00001-of-00001.gguf", "/models/a-0001-of-0003.gguf",
                          "/models/a-00001-of-0000x.gguf", "-00001-of-00003.gguf", "a.gguf", ""}) {
    EXPECT_EQ(files_of_model(one), 1) << one;
  }
}

TEST(Exports, WithoutADeviceNoServerIsAsked) {
  ExportJob job = usual_job();
  job.config.placement.devices = {"none"};
  job.rpc = {"127.0.0.1:1"};
  for (const Format format : {Format::llama_server, Format::env, Format::llama_server_ini,
                              Format::llama_swap, Format::text_generation_webui}) {
    EXPECT_THAT(written(format, job).text, Not(HasSubstr("127.0.0.1:1"))) << to_string(format);
  }
}

TEST(Modelfile, CountsTheContextForEachSequence) {
  ExportJob job = usual_job();
  job.config.context.n_parallel = 4;
  const Exported document = written(Format::ollama, job);
  EXPECT_THAT(document.text, HasSubstr("PARAMETER num_ctx 2048\n"));
  EXPECT_THAT(document.notes, Contains(HasSubstr("OLLAMA_NUM_PARALLEL")));
}

TEST(LmStudio, CountsLayersInShares) {
  const Json preset = written_json(Format::lmstudio, usual_job());
  EXPECT_EQ(preset["identifier"], "@local:small");
  EXPECT_NEAR(field(preset, "llm.load.llama.acceleration.offloadRatio").get<double>() * 33, 20,
              1e-9);
  EXPECT_EQ(field(preset, "llm.load.llama.autoFit"), false);
  EXPECT_EQ(field(preset, "llm.load.contextLength"), 8192);
  EXPECT_EQ(field(preset, "llm.load.llama.physicalBatchSize"), 512);
  EXPECT_EQ(field(preset, "llm.load.llama.kCacheQuantizationType")["checked"], false);
}

TEST(LmStudio, SaysWhatItCannotSay) {
  ExportJob job = usual_job();
  job.config.context.type_v = "bf16";
  const Exported document = written(Format::lmstudio, job);
  EXPECT_THAT(document.notes, Contains(HasSubstr("type_v = bf16")));
  EXPECT_THAT(document.notes, Contains(HasSubstr("/models/small.gguf")));
}

TEST(Kcpps, NamesTheBackendAndOneBatch) {
  ExportJob job = usual_job();
  job.config.context.type_k = job.config.context.type_v = "q4_0";
  const Exported document = written(Format::koboldcpp, job);
  const Json settings = written_json(Format::koboldcpp, job);
  EXPECT_EQ(settings["model_param"], "/models/small.gguf");
  EXPECT_EQ(settings["gpulayers"], 20);
  EXPECT_EQ(settings["contextsize"], 8192);
  EXPECT_EQ(settings["batchsize"], 512);
  EXPECT_EQ(settings["quantkv"], 2);
  EXPECT_EQ(settings["usecuda"], Json::array({"all"}));
  EXPECT_THAT(document.notes, Contains(HasSubstr("n_batch = 1024")));
  job.config.context.type_k = "f16";
  EXPECT_THAT(written(Format::koboldcpp, job).notes, Contains(HasSubstr("type_v = q4_0")));
  EXPECT_FALSE(written_json(Format::koboldcpp, job).contains("quantkv"));
}

TEST(Kcpps, ChoosesOneDeviceByItsWholeNumber) {
  ExportJob job = usual_job();
  job.config.placement.devices = {"CUDA12"};
  job.config.placement.split_mode = SplitMode::row;
  EXPECT_EQ(written_json(Format::koboldcpp, job)["usecuda"], Json::array({"12", "rowsplit"}));
  EXPECT_THAT(written(Format::koboldcpp, job).notes, Not(Contains(HasSubstr("devices"))));
  job.config.placement.devices = {"RPC1"};
  EXPECT_EQ(written_json(Format::koboldcpp, job)["usecuda"][0], "all") << "no card of this machine";
  EXPECT_THAT(written(Format::koboldcpp, job).notes, Contains(HasSubstr("devices = RPC1")));
}

TEST(WebUi, HandsOnAsFlagsWhatHasNoKey) {
  ExportJob job = usual_job();
  job.config.context.flash_attn = FlashAttention::automatic;
  job.config.placement.n_cpu_moe = 4;
  job.config.context.type_k = "q5_0";
  job.rpc = {"127.0.0.1:1"};
  const std::string text = written(Format::text_generation_webui, job).text;
  EXPECT_THAT(text, HasSubstr("\"small\\\\.gguf$\":\n  loader: llama.cpp\n  gpu_layers: 20\n"));
  EXPECT_THAT(text, HasSubstr("extra_flags: \"--rpc 127.0.0.1:1 --n-cpu-moe 4 --cache-type-k q5_0 "
                              "--cache-ram 8192 --flash-attn auto\""));
  EXPECT_THAT(text, HasSubstr("cache_type: \"fp16\""));
}

TEST(WebUi, NeedsNoFlagsForWhatItKnows) {
  ExportJob job = usual_job();
  job.config.context.type_k = job.config.context.type_v = "q8_0";
  const std::string text = written(Format::text_generation_webui, job).text;
  EXPECT_THAT(text, HasSubstr("cache_type: \"q8_0\""));
  EXPECT_THAT(text, HasSubstr("extra_flags: \"--cache-ram 8192\"")) << "of the server alone";
}

TEST(PythonKwargs, SayTypesAsGgmlNumbersThem) {
  ExportJob job = usual_job();
  job.config.context.type_k = "q8_0";
  job.config.placement.split_mode = SplitMode::row;
  job.config.placement.tensor_split = {3, 1};
  job.config.context.kv_unified = true;
  const Json arguments = written_json(Format::llama_cpp_python, job);
  EXPECT_EQ(arguments["model_path"], "/models/small.gguf");
  EXPECT_EQ(arguments["type_k"], 8);
  EXPECT_EQ(arguments["type_v"], 1);
  EXPECT_EQ(arguments["split_mode"], 2);
  EXPECT_EQ(arguments["tensor_split"], Json::array({3.0, 1.0}));
  EXPECT_EQ(arguments["flash_attn"], true);
  EXPECT_FALSE(arguments.contains("n_threads_batch"));
  EXPECT_THAT(written(Format::llama_cpp_python, job).notes, Contains(HasSubstr("kv_unified = on")));
}

TEST(OwnJson, HoldsTheWholeConfig) {
  ExportJob job = usual_job();
  job.rpc = {"127.0.0.1:1"};
  const Json document = written_json(Format::json, job);
  EXPECT_EQ(document["schema"], "sweetspot.export/1");
  EXPECT_EQ(config_from_json(document["config"]), job.config);
  EXPECT_EQ(document["rpc"], Json::array({"127.0.0.1:1"}));
}

TEST(Exports, AHostWithoutRpcSaysSo) {
  ExportJob job = usual_job();
  job.rpc = {"127.0.0.1:1"};
  for (const Format format :
       {Format::ollama, Format::lmstudio, Format::koboldcpp, Format::llama_cpp_python}) {
    EXPECT_THAT(written(format, job).notes, Contains(HasSubstr("RPC servers (127.0.0.1:1)")));
  }
}

TEST(Exports, AProfileThatWouldLieElsewhereIsRefused) {
  const auto refusal = [](Format format, const ExportJob& job) {
    const auto document = export_as(format, job);
    return document ? std::string() : document.error().message;
  };
  ExportJob experts = usual_job();
  experts.config.placement.n_cpu_moe = 4;
  EXPECT_THAT(refusal(Format::ollama, experts), HasSubstr("Ollama cannot be told n_cpu_moe = 4"));
  EXPECT_THAT(refusal(Format::llama_cpp_python, experts), HasSubstr("n_cpu_moe = 4"));
  for (const Format format : {Format::lmstudio, Format::koboldcpp, Format::text_generation_webui,
                              Format::llama_server_ini, Format::env}) {
    EXPECT_EQ(refusal(format, experts), "") << to_string(format);
  }
  ExportJob unknown = usual_job();
  unknown.offloadable_layers = 0;
  EXPECT_THAT(refusal(Format::lmstudio, unknown), HasSubstr("n_gpu_layers = 20"));
}

TEST(Exports, AllLayersAreNeverALiteralMinusOneWhereThatMeansChoose) {
  ExportJob job = usual_job();
  job.config.placement.n_gpu_layers = -1;
  EXPECT_THAT(written(Format::llama_server, job).text, HasSubstr("--n-gpu-layers all"));
  EXPECT_THAT(written(Format::ollama, job).text, HasSubstr("num_gpu 999"));
  EXPECT_EQ(written_json(Format::koboldcpp, job)["gpulayers"], 999);
  EXPECT_EQ(written_json(Format::llama_cpp_python, job)["n_gpu_layers"], -1);
}

TEST(Exports, ANameThatIsNotUtf8IsRefused) {
  ExportJob job = usual_job();
  job.model_path = "/models/\xff.gguf";
  for (const Format format : formats()) {
    const auto refused = export_as(format, job);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::usage);
    EXPECT_FALSE(refused.error().remedy.empty());
  }
}

// ---- what the host calls it

TEST(Names, AStoresDigestIsNoNameWhereTheModelHasOne) {
  ExportJob job = usual_job();
  const std::string digest(64, 'a');
  job.model_name = "Meta Llama 3.1 8B";
  for (const std::string& file : {"sha256-" + digest, digest, "sha256-" + digest + ".gguf"}) {
    job.model_path = "/blobs/" + file;
    const std::string text = written(Format::llama_swap, job).text;
    EXPECT_THAT(text, HasSubstr("  \"Meta-Llama-3.1-8B\":\n")) << file;
    EXPECT_THAT(written(Format::llama_server_ini, job).text, HasSubstr("[Meta-Llama-3.1-8B]"));
    EXPECT_EQ(written_json(Format::lmstudio, job)["name"], "Meta Llama 3.1 8B");
    EXPECT_EQ(written_json(Format::json, job)["name"], "Meta Llama 3.1 8B");
  }
  job.model_name.clear();
  EXPECT_THAT(written(Format::llama_swap, job).text, HasSubstr(digest))
      << "there is nothing better";
}

TEST(Names, AFilesOwnNameIsKept) {
  ExportJob job = usual_job();
  job.model_name = "Meta Llama 3.1 8B";
  EXPECT_THAT(written(Format::llama_swap, job).text, HasSubstr("\"small\":"));
  job.model_path = "/models/sha256-of-something.gguf";
  EXPECT_THAT(written(Format::llama_swap, job).text, HasSubstr("\"sha256-of-something\":"));
}

TEST(Names, HostsThatAreNotLlamaServerAreNotToldOfItsCaches) {
  ExportJob job = usual_job();
  job.config.server = {1024, 4};
  for (const Format format : {Format::ollama, Format::koboldcpp, Format::llama_cpp_python}) {
    EXPECT_THAT(written(format, job).notes, Not(Contains(HasSubstr("cache_ram"))));
  }
  EXPECT_THAT(written(Format::env, job).text,
              testing::AllOf(HasSubstr("LLAMA_ARG_CACHE_RAM=1024\n"),
                             HasSubstr("LLAMA_ARG_CTX_CHECKPOINTS=4\n")));
}

}  // namespace
}  // namespace sweetspot::exporting
