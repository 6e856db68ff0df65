// A browser of the user's that draws a page without a window.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "process/cancel.hpp"

namespace sweetspot::app {

/// `named` as the user typed it, a path or a name in `path` (as the variable PATH); where it is
/// empty the first Chromium, Chrome or Edge in `path`. Errors are of kind usage.
Result<std::string> find_browser(const std::string& named, std::string_view path);

/// The document that `browser` has made of a page after its scripts ran, as HTML again. The user's
/// own profile is not touched. Errors: usage: it cannot be started, fails, or does not end;
/// output: there is no room for the page; interrupted.
Result<std::string> document_after_scripts(const std::string& browser, std::string_view html,
                                           const process::CancelToken* cancel = nullptr);

}  // namespace sweetspot::app
