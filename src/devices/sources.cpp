#include "devices/sources.hpp"

#include <utility>

namespace sweetspot::devices {
namespace {

void add(Sources& sources, tl::expected<std::unique_ptr<StatusSource>, std::string> opened) {
  if (opened) {
    sources.list.push_back(std::move(*opened));
  } else {
    sources.notes.push_back(std::move(opened.error()));
  }
}

}  // namespace

SourceOptions source_options(bool wake) {
  SourceOptions options;
  options.nvml.wake = wake;
  options.amdgpu.wake = wake;
  return options;
}

SourceFactory system_sources(SourceOptions options) {
  return [options = std::move(options)] {
    Sources sources;
    add(sources, open_nvml(options.nvml));
    add(sources, open_amdgpu(options.amdgpu));
    return sources;
  };
}

}  // namespace sweetspot::devices
