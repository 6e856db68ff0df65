#include "cli/output.hpp"

#include "cli/print.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::cli {

bool is_stdout(const std::string& path) { return path.empty() || path == "-"; }

Result<int> print_or_write(const Environment& environment, const std::string& path,
                           std::string_view text) {
  if (is_stdout(path)) return print_all(environment, text);
  if (const Status written = store::write_atomically(path, text); !written) {
    return tl::unexpected(written.error());
  }
  return 0;
}

Status check_results_path(const std::string& path) {
  if (path != "-") return {};
  return error(ErrorKind::usage, "results are kept in a file, and -o names none",
               "give -o FILE; --json prints the whole run");
}

}  // namespace sweetspot::cli
