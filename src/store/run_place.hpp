// The file that a run goes to which nobody named one for.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"

namespace sweetspot::store {

/// A name that is taken: the file is made, empty, by one process alone, and goes again where
/// nothing was written to it by the end. One whose process was killed stays empty; the history
/// passes over it. Move only.
class RunPlace {
 public:
  /// `name` in `folder`, with a number where that is there already ("a-2.json" after "a.json").
  /// Without a folder the current one. Errors are of kind output.
  static Result<RunPlace> take(const std::string& folder, std::string_view name);

  ~RunPlace();
  RunPlace(RunPlace&& other) noexcept;
  RunPlace& operator=(RunPlace&& other) noexcept;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit RunPlace(std::string path);
  void give_up() const;

  std::string path_;  ///< empty = moved from
};

/// In the user's data folder: runs_folder(), which is made, under run_file_name(). In the current
/// folder where there is no data folder. Errors (output): the folder cannot be made or written.
Result<RunPlace> place_for_run(const std::string& data_folder, std::string_view model_file_name,
                               std::string_view started_at);

}  // namespace sweetspot::store
