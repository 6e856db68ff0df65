// Writes the sample runs into a folder, for the tests of the schema: write_sample_runs FOLDER
#include <cstdio>
#include <string>
#include <utility>

#include "golden/sample_run.hpp"
#include "store/run_file.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::pair<const char*, sweetspot::Run> runs[] = {
      {"mission.json", sweetspot::tests::mission_run()},
      {"troubled.json", sweetspot::tests::troubled_run()},
      {"adaptive.json", sweetspot::tests::adaptive_run()},
      {"tuned.json", sweetspot::tests::tuned_run()}};
  for (const auto& [name, run] : runs) {
    const auto status = sweetspot::store::save_run(std::string(argv[1]) + "/" + name, run);
    if (!status) {
      std::fprintf(stderr, "%s\n", status.error().message.c_str());
      return 1;
    }
  }
  return 0;
}
