#include "core/text.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace sweetspot {
namespace {

TEST(IsPrintable, IsWhatPrintableLeavesAsItIs) {
  for (const char* text : {"", "Zephyr-7B β — 日本語", "/m/it's \"a\" \\b.gguf", "\u00a0"}) {
    EXPECT_TRUE(is_printable(text)) << text;
    EXPECT_EQ(printable(text), text);
  }
  for (const char* text : {"\n", "\t", "a\x1b[31m", "\x7f", "\u0085", "\u202e", "\u200b", "\xff"}) {
    EXPECT_FALSE(is_printable(text)) << printable(text);
    EXPECT_NE(printable(text), text);
  }
}

TEST(Shortened, KeepsWhatIsShortEnoughAsItIs) {
  EXPECT_EQ(shortened("a\x1b\xff"), "a\x1b\xff") << "who prints it makes it printable";
  EXPECT_EQ(shortened("äöü", 3), "äöü");
  EXPECT_EQ(shortened(""), "");
}

TEST(Shortened, CutsWherePrintableCutsToo) {
  EXPECT_EQ(shortened("äöüx", 3), "äöü…");
  EXPECT_EQ(shortened("\xff\xff\xff", 2), "\xff\xff…");
  const std::string text = std::string(150, 'a') + std::string(60, '\x1b');
  EXPECT_EQ(printable(shortened(text), 1000), printable(text));
}

TEST(Printable, KeepsOrdinaryTextOfAnyLanguage) {
  EXPECT_EQ(printable("Zephyr-7B β — 日本語"), "Zephyr-7B β — 日本語");
}

TEST(Printable, ShowsControlBytesInsteadOfSendingThem) {
  EXPECT_EQ(printable("a\x1b[31mred\x07\n"), "a\\x1b[31mred\\x07\\x0a");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u{009b}31m")
      << "C1 CSI, as two bytes of UTF-8";
}

TEST(Printable, ShowsBidirectionalAndInvisibleCharacters) {
  EXPECT_EQ(printable("abc\u202egpj.exe"), "abc\\u{202e}gpj.exe");
  EXPECT_EQ(printable("\u200b\ufeff"), "\\u{200b}\\u{feff}");
}

TEST(Printable, ShowsInvalidUtf8ByteByByte) {
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong slash";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82") << "cut off";
}

TEST(Printable, CutsLongTextOnACharacterBoundary) {
  EXPECT_EQ(printable("ββββ", 2), "ββ…");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_LE(printable(std::string(1U << 20U, 'x')).size(), 210U);
}

TEST(IsUtf8, AgreesWithWhatPrintableLeavesAlone) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("日本語 \x1b"));
  EXPECT_FALSE(is_utf8("a\xff"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));
}

TEST(ParseBytes, ReadsWhatPeopleType) {
  EXPECT_EQ(parse_bytes("6GiB"), 6442450944U);
  EXPECT_EQ(parse_bytes("6G"), 6442450944U);
  EXPECT_EQ(parse_bytes("1.5 GiB"), 1610612736U);
  EXPECT_EQ(parse_bytes("512MiB"), 536870912U);
  EXPECT_EQ(parse_bytes("4096B"), 4096U);
  EXPECT_EQ(parse_bytes("2TiB"), 2199023255552U);
  EXPECT_EQ(parse_bytes("0"), 0U);
}

TEST(ParseBytes, TakesACardAsItIsSoldAndAnyCase) {
  for (const char* text : {"6GB", "6gb", "6Gb", "6gib", "6g", "6144MB", "6144mib", "6291456kb"}) {
    EXPECT_EQ(parse_bytes(text), 6442450944U) << text;
  }
}

TEST(ParseBytes, OffersTheReadingsOfANumberWithoutAUnit) {
  const auto remedy = [](const char* text) {
    const auto bytes = parse_bytes(text);
    EXPECT_FALSE(bytes) << text;
    if (bytes) return std::string();
    EXPECT_EQ(bytes.error().kind, ErrorKind::usage);
    EXPECT_EQ(bytes.error().message, "'" + std::string(text) + "' has no unit");
    return bytes.error().remedy;
  };
  EXPECT_EQ(remedy("6144"), "write 6144MiB (6.00 GiB) or 6144B (6 KiB)");
  EXPECT_EQ(remedy("6"), "write 6GiB or 6MiB");
  EXPECT_EQ(remedy("0.5"), "write 0.5GiB or 0.5MiB");
  EXPECT_EQ(remedy("6442450944"), "write 6442450944B (6.00 GiB)");
}

TEST(ParseBytes, RefusesWhatIsNotASize) {
  for (const char* text : {"", "abc", "-1GiB", "6XiB", "1e400", "nan", "inf", "6GiB extra",
                           "99999999999TiB", "6Mi", "6bb", "1e400GiB", "-6144"}) {
    const auto bytes = parse_bytes(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().kind, ErrorKind::usage);
  }
}

TEST(Format, PicksTheUnit) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(12 * 1024), "12 KiB");
  EXPECT_EQ(format_bytes(640ULL << 20U), "640 MiB");
  EXPECT_EQ(format_bytes(5529705840), "5.15 GiB");
  EXPECT_EQ(format_seconds(0.25), "250 ms");
  EXPECT_EQ(format_seconds(12.36), "12.4 s");
  EXPECT_EQ(format_seconds(200), "3 min 20 s");
}

TEST(UtcNow, IsIso8601) {
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
}

}  // namespace
}  // namespace sweetspot
