#include "page/share.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "core/json.hpp"
#include "golden/sample_run.hpp"
#include "page/source.hpp"

namespace sweetspot::page {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(WithoutTraces, LeavesOutPathsUuidsAddressesAndNames) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"cannot open /home/anna/a.gguf: no", "cannot open (path): no"},
      {"'/srv/x y'", "'(path) y'"},
      {"~/models/a", "(path)"},
      {"GPU-12345678-1234-1234-1234-123456789abc", "GPU-(uuid)"},
      {"rpc 192.168.1.20:50052 and 127.0.0.1:1", "rpc (address):50052 and 127.0.0.1:1"},
      {"by anna on annas box", "by (left out) on annas box"},
      {"31.4 tok/s, 550.54.14, and/or, 3/4", "31.4 tok/s, 550.54.14, and/or, 3/4"},
      {"", ""},
      {"/", "/"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(without_traces(text, {"anna"}), expected) << text;
  }
}

Run private_run() {
  Run run = tests::adaptive_run();
  run.model.path = "/home/anna/my models/zephyr-7b.gguf";
  run.model.files = {{"/home/anna/my models/zephyr-7b.gguf", 4'370'000'000, 987650001, 424242}};
  run.machine.environment = {"GGML_CACHE=/home/anna/cache", "LLAMA_ARG_THREADS=7"};
  run.settings.rpc = {"tower.lan:50052"};
  run.notices = {"tower.lan answered from 10.0.0.7", "ran as anna on annas-laptop"};
  DeviceStatus status;
  status.uuid = std::string("GPU-12345678-1234-1234-1234-123456789abc");
  run.devices.front().status = status;
  run.results.front().notes = {"kept /home/anna/my models/zephyr-7b.gguf in memory"};
  return run;
}

TEST(Shared, ADocumentHoldsNothingOfThatAndAllThatWasMeasured) {
  const sweetspot::Run run = private_run();
  const std::string before = dump(to_json(run));
  const Result<std::string> clean = shared(before, {"anna", "annas-laptop"});
  ASSERT_TRUE(clean) << clean.error().message;
  for (const char* trace : {"anna", "/home", "my models", "tower.lan", "10.0.0.7", "12345678-1234",
                            "424242", "987650001", "THREADS=7"}) {
    EXPECT_NE(before.find(trace), std::string::npos) << "the test looks for nothing: " << trace;
    EXPECT_EQ(clean->find(trace), std::string::npos) << trace;
  }
  EXPECT_THAT(*clean, HasSubstr("zephyr-7b.gguf"));
  EXPECT_TRUE(parse_source(*clean, "shared"));
  const Json after = *parse_json(*clean);
  const Json results = to_json(run)["results"];
  ASSERT_EQ(after["results"].size(), results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(after["results"][i]["generation"], results[i]["generation"]);  // with its samples
  }
}

TEST(Shared, WhatIsNoDocumentIsRefused) {
  for (const char* text : {"", "[]", "7", "{", "null"}) EXPECT_FALSE(shared(text, {})) << text;
  EXPECT_TRUE(shared("{\"model\": 3}", {}));
}

}  // namespace
}  // namespace sweetspot::page
