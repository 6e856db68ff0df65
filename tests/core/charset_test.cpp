#include "core/charset.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(Locale, TheFirstVariableThatIsSetDecides) {
  EXPECT_TRUE(locale_is_utf8("C.UTF-8", "", ""));
  EXPECT_TRUE(locale_is_utf8("", "de_DE.utf8", "C"));
  EXPECT_TRUE(locale_is_utf8("", "", "en_US.UTF-8"));
  EXPECT_FALSE(locale_is_utf8("C", "en_US.UTF-8", "en_US.UTF-8"));
  EXPECT_FALSE(locale_is_utf8("", "POSIX", "en_US.UTF-8"));
  EXPECT_FALSE(locale_is_utf8("", "", "de_DE.ISO-8859-1"));
  EXPECT_FALSE(locale_is_utf8("", "", "")) << "where none is set the locale is C";
}

}  // namespace
}  // namespace sweetspot
