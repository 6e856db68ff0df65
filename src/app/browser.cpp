#include "app/browser.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "os/program.hpp"
#include "os/temporary_folder.hpp"
#include "process/child.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::app {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMostComplaint = 300;

// The smallest first. Firefox prints no document.
constexpr std::array kBrowsers = {
    "chromium-headless-shell", "chromium",       "chromium-browser",     "google-chrome",
    "google-chrome-stable",    "microsoft-edge", "microsoft-edge-stable"};

constexpr const char* kWithoutBrowser =
    "install a Chromium (Debian's chromium-headless-shell is the smallest) or name one with "
    "--browser; or open the HTML page and press the button under the chart";

// The shell keeps apart what the browser prints as the document and what it says meanwhile.
std::vector<std::string> command_line(const std::string& browser, const std::string& folder) {
  std::vector<std::string> argv = {"/bin/sh",
                                   "-c",
                                   "exec \"$@\" >\"$0\"",
                                   folder + "/document.html",
                                   browser,
                                   "--headless",
                                   "--disable-gpu",
                                   "--no-first-run",
                                   "--window-size=960,800",
                                   "--user-data-dir=" + folder + "/profile"};
  // Chromium's sandbox refuses root, as whom containers run; the page is our own.
  if (::geteuid() == 0) argv.emplace_back("--no-sandbox");
  argv.emplace_back("--dump-dom");
  argv.push_back("file://" + folder + "/page.html");
  return argv;
}

Error failed(const std::string& browser, std::string_view what, const std::string& said) {
  std::string complaint = printable(said, kMostComplaint);
  if (!complaint.empty()) complaint.insert(0, ": ");
  return {ErrorKind::usage, fmt::format("the browser {} {}{}", shortened(browser), what, complaint),
          "name another one with --browser; one in a snap sees no files in /tmp: set TMPDIR to a "
          "folder in your home"};
}

// Its helpers end with it: they are of its tree.
Status run_to_its_end(process::Child& child, const std::string& browser,
                      const process::CancelToken* cancel) {
  switch (process::wait_for_end(child, kPatience, cancel)) {
    case process::Waited::cancelled:
      return error(ErrorKind::interrupted, "interrupted");
    case process::Waited::too_long:
      return tl::unexpected(failed(browser,
                                   fmt::format("has not ended after {} s", kPatience.count()),
                                   child.output().text()));
    case process::Waited::ended:
      break;
  }
  const process::ExitStatus status = *child.exit_status();
  child.kill_tree();
  if (status.code == 0) return {};
  return tl::unexpected(failed(browser, "failed", child.output().text()));
}

}  // namespace

Result<std::string> find_browser(const std::string& named, std::string_view path) {
  if (named.find('/') != std::string::npos) {
    if (os::is_program(named)) return named;
    return error(ErrorKind::usage, fmt::format("--browser: {} is no program", shortened(named)),
                 kWithoutBrowser);
  }
  if (!named.empty()) {
    if (auto found = os::find_in_path(path, named)) return *std::move(found);
    return error(ErrorKind::usage,
                 fmt::format("--browser: there is no {} in PATH", shortened(named)),
                 kWithoutBrowser);
  }
  for (const char* const name : kBrowsers) {
    if (auto found = os::find_in_path(path, name)) return *std::move(found);
  }
  return error(ErrorKind::usage,
               "a chart is drawn by a browser, and there is no Chromium, Chrome or Edge in PATH",
               kWithoutBrowser);
}

Result<std::string> document_after_scripts(const std::string& browser, std::string_view html,
                                           const process::CancelToken* cancel) {
  const os::TemporaryFolder folder;
  if (!folder.made()) {
    return error(ErrorKind::output, "no temporary folder can be made",
                 "set TMPDIR to one that can");
  }
  if (const Status written = store::write_atomically(folder.path() + "/page.html", html);
      !written) {
    return tl::unexpected(written.error());
  }
  process::SpawnOptions spawn;
  spawn.argv = command_line(browser, folder.path());
  Result<process::Child> child = process::Child::spawn(spawn);
  if (!child) return tl::unexpected(child.error());
  if (const Status ended = run_to_its_end(*child, browser, cancel); !ended) {
    child->kill_tree();
    return tl::unexpected(ended.error());
  }
  std::ifstream document(folder.path() + "/document.html", std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(document), {});
}

}  // namespace sweetspot::app
