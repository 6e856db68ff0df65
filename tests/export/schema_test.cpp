#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "export/export.hpp"
#include "schema/compare.hpp"

namespace sweetspot::exporting {
namespace {

TEST(Schema, SaysWhatAnExportSays) {
  EXPECT_THAT(tests::differences<ExportJob>("export-1.schema.json"), testing::IsEmpty());
}

}  // namespace
}  // namespace sweetspot::exporting
