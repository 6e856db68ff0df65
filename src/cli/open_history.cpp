#include "cli/open_history.hpp"

#include <cstddef>

#include "cli/print.hpp"
#include "core/text.hpp"

namespace sweetspot::cli {

Status need_data_folder(const Environment& environment) {
  if (!environment.workplace.data_folder.empty()) return {};
  return error(ErrorKind::output, "there is no folder for the user's data",
               "set XDG_DATA_HOME or HOME");
}

Result<history::Index> open_history(const Environment& environment) {
  if (const Status folder = need_data_folder(environment); !folder) {
    return tl::unexpected(folder.error());
  }
  constexpr std::size_t kWorthSaying = 256;
  const auto on_progress = [&](std::size_t done, std::size_t of) {
    if (of < kWorthSaying || !environment.stderr_is_terminal) return;
    say(environment.err, "\rreading {} of {} runs{}", done, of, done == of ? "\n" : "");
  };
  Result<history::Index> index =
      history::Index::open(environment.workplace.data_folder, on_progress);
  if (index && !index->set_aside().empty()) {
    say(environment.err,
        "The history was damaged; it lies in {} now and was made again from the runs.\n",
        printable(index->set_aside()));
  }
  return index;
}

}  // namespace sweetspot::cli
