#include "page/drawn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/sample_run.hpp"
#include "page/html.hpp"
#include "page/run_page.hpp"

namespace sweetspot::page {
namespace {

using testing::HasSubstr;
using testing::Not;

Figure chart(const char* id) {
  Figure figure;
  figure.id = id;
  figure.chart = axes("x", "y");
  return figure;
}

TEST(ChartOf, IsTheOneOfThatName) {
  Page page;
  page.figures = {chart("speed"), {"table", "", "", {}, {}, {}}, chart("memory")};
  EXPECT_EQ((*chart_of(page, "memory"))->id, "memory");
  for (const char* name : {"", "table", "none"}) {
    const auto none = chart_of(page, name);
    ASSERT_FALSE(none) << name;
    EXPECT_THAT(none.error().remedy, HasSubstr("speed, memory")) << name;
  }
}

TEST(ChartOf, TheOnlyOneNeedsNoName) {
  Page page;
  EXPECT_FALSE(chart_of(page, ""));
  page.figures = {chart("speed")};
  EXPECT_EQ((*chart_of(page, ""))->id, "speed");
}

TEST(PictureIn, IsWhatTheScriptLeft) {
  EXPECT_EQ(*picture_in("<body><pre id=\"picture\">%3Csvg%20a%3D%22%C3%A4%22%2F%3E</pre>"),
            "<svg a=\"\u00e4\"/>\n");
}

TEST(PictureIn, AnythingElseIsNone) {
  for (const char* dom : {"", "<pre>%3Csvg</pre>", "<pre id=\"picture\"></pre>",
                          "<pre id=\"picture\">%3Cp%3E</pre>", "<pre id=\"picture\">%3Csvg%</pre>",
                          "<pre id=\"picture\">%3Csvg%zz</pre>", "<pre id=\"picture\">%3Csvg%3"}) {
    EXPECT_FALSE(picture_in(dom)) << dom;
  }
}

TEST(HtmlToDraw, HasOneFigureAndAPlaceForItsPicture) {
  const Page page = page_of(tests::adaptive_run());
  const std::string html = html_to_draw(page, **chart_of(page, "memory"));
  EXPECT_THAT(html, HasSubstr("<figure class=\"chart\" data-figure=\"memory\">"));
  EXPECT_THAT(html, HasSubstr("<pre id=\"picture\"></pre>"));
  EXPECT_THAT(html, Not(HasSubstr("generation-speed")));
}

}  // namespace
}  // namespace sweetspot::page
