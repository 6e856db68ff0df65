#include "machine/machine_json.hpp"

#include <gtest/gtest.h>

#include "machine/machine.hpp"
#include "machine/random_pair.hpp"

namespace sweetspot::fake {
namespace {

TEST(MachineJson, ASeedIsTheRandomPairAndParametersChangeIt) {
  const auto parts = parts_from_json(
      Json::parse(R"({"seed": 7, "device": {"memory_total_gb": 12.5, "quirk": "kink"},
                      "processor": {"physical_cores": 3}, "disturbance": {"sample": 0}})"));
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->model.blocks.size(), random_pair(7).model.blocks.size());
  EXPECT_EQ(parts->device.memory_total_gb, 12.5);
  EXPECT_EQ(parts->device.quirk, Quirk::kink);
  EXPECT_EQ(parts->processor.physical_cores, 3);
  EXPECT_EQ(parts->disturbance.sample, 0);
}

TEST(MachineJson, RecordedAndPlainMachinesAndAModelByName) {
  EXPECT_EQ(
      parts_from_json(Json::parse(R"({"recorded": "rtx4050"})"))->recorded.ms_per_token.size(), 7U);
  const auto parts = parts_from_json(
      Json::parse(R"({"model": {"blocks": 5, "bytes": 1000, "output_bytes": 30}})"));
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->model.blocks.size(), 5U);
  EXPECT_EQ(parts->model.blocks.back().bytes, 1000U);
  EXPECT_EQ(parts->model.output_bytes, 30U);
}

TEST(MachineJson, WhatItDoesNotKnowIsNamed) {
  for (const char* text : {R"({"device": {"bandwith": 1}})", R"({"sed": 1})",
                           R"({"processor": {"physical_cores": 1.5}})", R"({"recorded": "x"})",
                           R"({"device": {"quirk": "wave"}})", R"({"model": {"byts": 1}})"}) {
    const auto parts = parts_from_json(Json::parse(text));
    ASSERT_FALSE(parts) << text;
    EXPECT_EQ(parts.error().kind, ErrorKind::usage);
  }
}

TEST(MachineJson, WhatIsWrittenReadsBack) {
  const Parts parts = random_pair(3, {false});
  Json json = to_json(parts);
  const auto again = parts_from_json({{"seed", 3},
                                      {"device", json["device"]},
                                      {"processor", json["processor"]},
                                      {"disturbance", json["disturbance"]}});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again)["device"], json["device"]);
}

}  // namespace
}  // namespace sweetspot::fake
