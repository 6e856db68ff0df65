// Why a file is no model, as a value.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sweetspot::gguf {

struct Problem {
  enum class Kind {
    cannot_open,  ///< the system does not give it to us
    invalid,      ///< it is no GGUF file, or one that cannot be right
  };
  Kind kind = Kind::invalid;
  std::string message;  ///< a whole sentence, with the file's name
};

template <typename T>
using Read = tl::expected<T, Problem>;

inline tl::unexpected<Problem> cannot_open(std::string message) {
  return tl::unexpected<Problem>(Problem{Problem::Kind::cannot_open, std::move(message)});
}

inline tl::unexpected<Problem> invalid(std::string message) {
  return tl::unexpected<Problem>(Problem{Problem::Kind::invalid, std::move(message)});
}

}  // namespace sweetspot::gguf
