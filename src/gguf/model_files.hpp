// The files of a model that may be split.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/header.hpp"

namespace sweetspot::gguf {

/// `path` and, where it is the first of a split model, the other files in order, each one checked.
Read<std::vector<Header>> read_model_files(const std::string& path,
                                           Extents extents = Extents::must_be_whole);

/// The name of file `number` (from 1) of `count` beside the first one, as llama.cpp's
/// gguf-split has it. Nothing where `first` is not of the form PREFIX-00001-of-COUNT.gguf.
std::optional<std::string> split_name(std::string_view first, std::uint64_t number,
                                      std::uint64_t count);

}  // namespace sweetspot::gguf
