#include "worker/loading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/no_device.hpp"
#include "worker/answer.hpp"
#include "worker/gguf/file.hpp"
#include "worker/header_reader.hpp"
#include "worker/model_params.hpp"
#include "worker/slice_file.hpp"

namespace sweetspot::worker {
namespace {

/// What the loader prints when it does not know what the file asks for.
constexpr std::array<std::string_view, 5> kUnsupportedWords = {
    "unknown model architecture", "unknown pre-tokenizer", "unknown tokenizer",
    "unsupported vocab type", "unsupported model architecture"};

/// What it prints when the file contradicts itself.
constexpr std::array<std::string_view, 14> kInvalidWords = {"not within the file bounds",
                                                            "' not found",
                                                            "missing tensor",
                                                            "wrong shape",
                                                            "wrong number of tensors",
                                                            "key not found in model",
                                                            "has wrong type",
                                                            "wrong array length",
                                                            "invalid split",
                                                            "corrupted",
                                                            "incomplete",
                                                            "cannot find tokenizer",
                                                            "failed to read",
                                                            "duplicate"};

template <std::size_t N>
bool says_any(const std::string& line, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return line.find(word) != std::string::npos; });
}

bool on_progress(float fraction, void* user_data) {
  static_cast<Reply*>(user_data)->progress(Phase::load, static_cast<double>(fraction));
  return true;
}

/// The slice that is asked for, or none.
Answer<std::optional<SliceFile>> slice_of(const protocol::LoadRequest& request, Reply& reply) {
  if (!request.slice) return std::nullopt;
  const auto files = open_model_files(request.path, Phase::load, read_header);
  if (!files) return tl::unexpected(files.error());
  auto made = make_slice(*files, *request.slice, reply);
  if (!made) return tl::unexpected(made.error());
  return std::optional<SliceFile>(*std::move(made));
}

ModelHandle load_file(const std::string& path, const ModelParams& placed, Reply& reply) {
  llama_model_params params = placed.get();
  params.check_tensors = false;  // slow; values that are not finite show in the logits
  params.progress_callback = on_progress;
  params.progress_callback_user_data = &reply;
  return ModelHandle(llama_model_load_from_file(path.c_str(), params));
}

}  // namespace

protocol::Fault explain_failed_load(const std::string& path, library_log::Mark since, Phase phase) {
  // The last error is often only "failed to load model"; the line before it says why.
  std::string reason = library_log::last_matching(since, [](std::string_view line) {
    return line.find("error loading model: ") != std::string_view::npos;
  });
  if (reason.empty()) reason = library_log::last_problem(since);
  FaultCode code = FaultCode::model_null;
  for (const std::string& line : library_log::lines_since(since)) {
    if (says_any(line, kUnsupportedWords)) code = FaultCode::unsupported;
    if (says_any(line, kInvalidWords) && code == FaultCode::model_null) {
      code = FaultCode::header_invalid;
    }
  }
  return {code,
          phase,
          fmt::format("llama.cpp did not load {}: {}", path,
                      reason.empty() ? "it gave no reason" : reason),
          {}};
}

Answer<LoadedModel> load_model(const protocol::LoadRequest& request,
                               const answering::InspectedModels& inspected, Reply& reply) {
  // The loader aborts on some headers that inspecting refuses.
  const auto model = inspected.before_load(request.path, request.slice.has_value());
  if (!model) return tl::unexpected(model.error());
  const auto placed = ModelParams::from(request.placement, Phase::load);
  if (!placed) return tl::unexpected(placed.error());
  auto slice = slice_of(request, reply);
  if (!slice) return tl::unexpected(slice.error());

  const auto mark = library_log::mark();
  reply.progress(Phase::load, 0);
  const double start = now_ms();
  LoadedModel loaded;
  // What is mapped outlives the slice's file, which ends with this function.
  loaded.model = load_file(*slice ? (*slice)->file.path() : request.path, *placed, reply);
  loaded.seconds = (now_ms() - start) / 1000;
  if (auto same = answering::check_unchanged(*model); !same) return tl::unexpected(same.error());
  if (!loaded.model) return tl::unexpected(explain_failed_load(request.path, mark, Phase::load));
  if (*slice) loaded.slice = (*slice)->bytes;
  loaded.offloaded = read_offloaded(mark);
  if (loaded.offloaded.layers && (!any_offload_device() || uses_no_device(request.placement))) {
    // Where no device takes part, the report counts layers all the same.
    loaded.offloaded.layers = 0;
  }
  return loaded;
}

}  // namespace sweetspot::worker
