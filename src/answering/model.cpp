#include "answering/model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gguf/file_bytes.hpp"
#include "gguf/model_info.hpp"

namespace sweetspot::answering {
namespace {

gguf::Extents extents_of(bool header_only) {
  return header_only ? gguf::Extents::may_be_missing : gguf::Extents::must_be_whole;
}

tl::unexpected<protocol::Fault> changed(const std::string& path, const char* when) {
  return fault(FaultCode::file_changed, Phase::load,
               fmt::format("{} changed on disk {}", path, when));
}

}  // namespace

protocol::Fault fault_of(const gguf::Problem& problem, Phase phase) {
  const FaultCode code = problem.kind == gguf::Problem::Kind::cannot_open
                             ? FaultCode::cannot_open
                             : FaultCode::header_invalid;
  return {code, phase, problem.message, {}};
}

Answer<protocol::InspectResult> InspectedModels::inspect(const protocol::InspectRequest& request) {
  auto model = gguf::inspect_model(request.path, extents_of(request.header_only));
  if (!model) return tl::unexpected(fault_of(model.error(), Phase::inspect));
  stamps_[request.path] = model->files;
  return protocol::InspectResult{*std::move(model)};
}

Answer<ModelInfo> InspectedModels::before_load(const std::string& path, bool header_only) const {
  auto model = gguf::inspect_model(path, extents_of(header_only));
  if (!model) return tl::unexpected(fault_of(model.error(), Phase::load));
  const auto known = stamps_.find(path);
  if (known != stamps_.end() && known->second != model->files) {
    return changed(path, "since it was inspected");
  }
  return *std::move(model);
}

Answer<void> check_unchanged(const ModelInfo& model) {
  const bool same = std::all_of(model.files.begin(), model.files.end(), [](const FileStamp& stamp) {
    const auto now = gguf::FileBytes::open(stamp.path, 0);
    return now && now->stamp() == stamp;
  });
  if (!same) return changed(model.path, "while it was loaded");
  return {};
}

}  // namespace sweetspot::answering
