#include "gguf/header.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "gguf/model_info.hpp"
#include "gguf/written_header.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::gguf {
namespace {

using testing::HasSubstr;

class GgufHeader : public testing::Test {
 protected:
  Read<Header> read(const Bytes& bytes, Extents extents = Extents::must_be_whole) {
    bytes.write(path_);
    return Header::read(path_, extents);
  }

  std::string why(const Bytes& bytes) {
    const auto header = read(bytes);
    return header ? "it was read" : header.error().message;
  }

  tests::TemporaryFolder folder_;
  std::string path_ = folder_.file("m.gguf");
};

Bytes one_tensor(std::uint64_t row, std::uint32_t type, std::uint64_t offset) {
  Bytes bytes = begin(1, 1);
  architecture(bytes);
  return bytes.text("blk.0.attn_q.weight")
      .number(2U)
      .number(row)
      .number(std::uint64_t{2})
      .number(type)
      .number(offset);
}

TEST_F(GgufHeader, KeepsValuesAndArrays) {
  Bytes bytes = begin(0, 5);
  architecture(bytes);
  bytes.text("a.bool").number(7U).number(std::uint8_t{1});
  bytes.text("a.negative").number(5U).number(std::int32_t{-3});
  bytes.text("a.list").number(kArray).number(5U).number(std::uint64_t{2}).number(7).number(-9);
  bytes.text("a.words").number(kArray).number(kString).number(std::uint64_t{2}).text("x").text("");
  const auto header = read(bytes);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->text("general.architecture"), "llama");
  EXPECT_EQ(header->integer("a.bool"), 1U);
  EXPECT_EQ(header->integer("a.negative"), std::nullopt);
  EXPECT_EQ(header->text("a.negative"), std::nullopt);
  EXPECT_EQ(header->array("a.bool"), nullptr);
  EXPECT_THAT(header->array("a.list")->integers, testing::ElementsAre(7, -9));
  EXPECT_EQ(header->array("a.words")->count, 2U);
  EXPECT_FALSE(header->has("a.nothing"));
}

TEST_F(GgufHeader, SizesTensorsByTheirType) {
  Bytes bytes = one_tensor(256, 12, 0);  // q4_K
  const auto header = read(bytes.zeros(1000));
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->tensors().front().bytes, 2U * 144U);
  EXPECT_EQ(header->tensors().front().elements(), 512U);
  EXPECT_EQ(header->data_begin() % 32, 0U);
}

// A fork has types of its own: their tensors reach to the next one, or to the end.
TEST_F(GgufHeader, SizesTensorsOfUnknownTypesByTheirPlaces) {
  Bytes bytes = begin(2, 1);
  architecture(bytes);
  for (const std::uint64_t offset : {96U, 0U}) {
    bytes.text(offset == 0 ? "first" : "last")
        .number(1U)
        .number(std::uint64_t{100})
        .number(144U)
        .number(offset);
  }
  const std::size_t rest = bytes.str().size() % 32;
  const auto header = read(bytes.zeros((rest == 0 ? 0 : 32 - rest) + 96 + 40));
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->tensors()[0].bytes, 40U);
  EXPECT_EQ(header->tensors()[1].bytes, 96U);
}

TEST_F(GgufHeader, SaysWhatIsWrong) {
  EXPECT_THAT(why(Bytes()), HasSubstr("the file is empty"));
  EXPECT_THAT(why(Bytes().raw("GGUX").zeros(30)), HasSubstr("does not begin with GGUF"));
  EXPECT_THAT(why(begin(0, 0, 1)), HasSubstr("version 1"));
  EXPECT_THAT(why(begin(0, 0, 0x03000000)), HasSubstr("big-endian"));
  EXPECT_THAT(why(begin(0, 1)), HasSubstr("tensors in 24 bytes); finish the download"));
  EXPECT_THAT(why(one_tensor(100, 12, 0)), HasSubstr("no multiple of 256"));
  EXPECT_THAT(why(one_tensor(256, 12, 0)), HasSubstr("the file is incomplete ("));
  EXPECT_THAT(why(one_tensor(std::numeric_limits<std::uint64_t>::max(), 0, 0)),
              HasSubstr("more elements than any"));
  Bytes twice = begin(0, 2);
  architecture(architecture(twice));
  EXPECT_THAT(why(twice), HasSubstr("general.architecture twice"));
  Bytes alignment = begin(0, 1);
  alignment.text("general.alignment").number(kU32).number(3U);
  EXPECT_THAT(why(alignment), HasSubstr("aligned to 3 bytes"));
}

// No byte is reserved for what the file cannot hold.
TEST_F(GgufHeader, DoesNotBelieveLengths) {
  Bytes text = begin(0, 1);
  text.number(std::numeric_limits<std::uint64_t>::max()).zeros(64);
  EXPECT_THAT(why(text), HasSubstr("is 18446744073709551615 bytes long"));
  Bytes array = begin(0, 1);
  array.text("a").number(kArray).number(10U).number(std::uint64_t{1} << 62U).zeros(64);
  EXPECT_THAT(why(array), HasSubstr("incomplete or damaged (it ends after"));
}

TEST_F(GgufHeader, APartOfAFileCanBeReadWhereThatIsEnough) {
  Bytes bytes = one_tensor(256, 12, 1U << 20U);
  EXPECT_FALSE(read(bytes));
  EXPECT_TRUE(read(bytes, Extents::may_be_missing));
}

TEST_F(GgufHeader, WhatIsNoFileCannotBeOpened) {
  for (const std::string& path :
       {folder_.path(), folder_.file("missing"), std::string("/dev/null")}) {
    const auto header = Header::read(path);
    ASSERT_FALSE(header) << path;
    EXPECT_EQ(header.error().kind, Problem::Kind::cannot_open);
    EXPECT_THAT(header.error().message, HasSubstr("cannot open " + path));
  }
}

TEST_F(GgufHeader, AModelIsDescribed) {
  Bytes bytes = begin(2, 3);
  architecture(bytes);
  bytes.text("llama.block_count").number(kU32).number(1U);
  bytes.text("general.file_type").number(kU32).number(15U);
  bytes.text("blk.0.ffn_up_exps.weight")
      .number(1U)
      .number(std::uint64_t{256})
      .number(8U)
      .number(std::uint64_t{0});
  bytes.text("output.weight")
      .number(1U)
      .number(std::uint64_t{256})
      .number(0U)
      .number(std::uint64_t{288});
  bytes.zeros(4096).write(path_);
  const auto model = inspect_model(path_);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->quantization, "Q4_K - Medium");
  EXPECT_EQ(model->n_layer, 1);
  EXPECT_EQ(model->n_params, 512U);
  EXPECT_EQ(model->layers[0].bytes, 272U);
  EXPECT_EQ(model->layers[0].expert_bytes, 272U);
  EXPECT_EQ(model->non_layer_bytes, 1024U);
  EXPECT_EQ(model->fingerprint.size(), 16U);
}

}  // namespace
}  // namespace sweetspot::gguf
