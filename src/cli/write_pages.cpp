// A program of the build: writes the man pages and the completions into a folder, laid out as below
// a prefix's share/.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>
#include <vector>

#include "cli/completion.hpp"
#include "cli/described.hpp"
#include "cli/man_page.hpp"
#include "cli/program.hpp"
#include "sweetspot_version.hpp"

namespace {

using namespace sweetspot;
using namespace sweetspot::cli;

std::vector<std::pair<std::string, std::string>> all_files() {
  CLI::App app;
  Environment environment;
  Result<int> outcome = 0;
  add_commands(app, environment, outcome);
  const DescribedCommand program = describe(app);
  std::vector<std::pair<std::string, std::string>> files = {
      {"bash-completion/completions/sweetspot", bash_completion(program)},
      {"zsh/site-functions/_sweetspot", zsh_completion(program)},
      {"fish/vendor_completions.d/sweetspot.fish", fish_completion(program)}};
  for (ManPage& page : man_pages(program, std::string(kVersion))) {
    files.emplace_back("man/man1/" + page.first, std::move(page.second));
  }
  return files;
}

bool write_file(const std::filesystem::path& path, const std::string& text) {
  std::error_code failure;
  std::filesystem::create_directories(path.parent_path(), failure);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return true;
  std::cerr << "cannot write " << path << '\n';
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_pages FOLDER\n";
    return 2;
  }
  for (const auto& [name, text] : all_files()) {
    if (!write_file(std::filesystem::path(argv[1]) / name, text)) return 1;
  }
  return 0;
}
