#include "worker/header_reader.hpp"

#include <utility>

#include "worker/library_log.hpp"

namespace sweetspot::worker {

tl::expected<GgufHandle, std::string> read_header(const std::string& path) {
  const auto mark = library_log::mark();
  GgufHandle header(gguf_init_from_file(path.c_str(), {/*no_alloc=*/true, /*ctx=*/nullptr}));
  if (!header) return tl::unexpected(library_log::last_problem(mark));
  return header;
}

}  // namespace sweetspot::worker
