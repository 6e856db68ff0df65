#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/choice_json.hpp"
#include "cli/devices_document.hpp"
#include "schema/compare.hpp"

namespace sweetspot::cli {
namespace {

using testing::IsEmpty;
using tests::differences;

TEST(Schema, SaysWhatAChoiceSays) {
  EXPECT_THAT(differences<ChoiceDocument>("choice-1.schema.json"), IsEmpty());
}

TEST(Schema, SaysWhatDevicesSay) {
  EXPECT_THAT(differences<DevicesDocument>("devices-1.schema.json"), IsEmpty());
}

}  // namespace
}  // namespace sweetspot::cli
