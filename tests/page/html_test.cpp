#include "page/html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "core/json.hpp"
#include "golden/sample_run.hpp"
#include "page/run_page.hpp"

namespace sweetspot::page {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t at = from + begin.size();
  return text.substr(at, text.find(end, at) - at);
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

Page hostile_page() {
  Run run = tests::adaptive_run();
  run.model.name = std::string("</script><script>alert(1)</script><img src=x onerror=alert(2)>");
  run.model.path = "/m/<!--<script>'\"&.gguf";
  run.notices = {"]]></title><svg onload=alert(3)>", tests::hostile_text()};
  run.results.front().title = "</details><script>alert(4)</script>";
  return page_of(run);
}

TEST(HtmlText, HasNothingThatHtmlReadsAnythingInto) {
  EXPECT_EQ(html_text("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_THAT(html_text("\x1b[31m"), Not(HasSubstr("\x1b")));
}

TEST(Html, OnlyNumbersAreSetRight) {
  Page page;
  page.figures = {{"t",
                   "t",
                   "",
                   {},
                   {},
                   {{"a", "b", "c"},
                    {{"31.4 (31.1 to 31.7)", "0 layers, x", "-"}, {"5.00 GiB", "7", "12.0 %"}}}}};
  const std::string text = html_of(std::array<Page, 1>{page});
  EXPECT_THAT(
      text,
      HasSubstr("<td class=\"number\">5.00 GiB</td><td>7</td><td class=\"number\">12.0 %</td>"));
}

TEST(Html, HostileTextStaysText) {
  const std::array<Page, 1> pages = {hostile_page()};
  const std::string page = html_of(pages);
  // Our three: the data, the library, the script that draws.
  EXPECT_EQ(count_of(page, "<script"), 3U + count_of(page, "<scripts"));
  EXPECT_EQ(count_of(page, "</script"), 3U);
  EXPECT_EQ(count_of(page, "<img"), 0U);
  EXPECT_EQ(count_of(page, "<!--"), 0U);
  EXPECT_THAT(page, Not(HasSubstr("<svg onload")));
}

TEST(Html, TheDataIsTheChartsAndReadsBack) {
  const std::array<Page, 1> pages = {hostile_page()};
  const std::string page = html_of(pages);
  const std::string data =
      between(page, "<script type=\"application/json\" id=\"drawings\">", "</script>");
  EXPECT_THAT(data, Not(HasSubstr("<")));
  const Result<Json> json = parse_json(data);
  ASSERT_TRUE(json);
  std::size_t drawn = 0;
  for (const Figure& figure : pages[0].figures) {
    if (!figure.chart) continue;
    ++drawn;
    const Json& chart = (*json)["r0-" + figure.id]["chart"];
    EXPECT_EQ(chart["marks"].size(), figure.chart->marks.size());
    EXPECT_THAT(page, HasSubstr("data-figure=\"r0-" + figure.id + "\""));
  }
  EXPECT_EQ(json->size(), drawn);
  EXPECT_EQ(count_of(page, "<table"), pages[0].figures.size());
}

TEST(Html, TheLibraryComesWithItsLicenceAndThePageAsksNobody) {
  const std::array<Page, 1> pages = {page_of(tests::mission_run())};
  const std::string page = html_of(pages);
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("BSD"));
  EXPECT_EQ(count_of(page, "src="), count_of(page, "default-src=")) << "nothing is loaded";
  EXPECT_LT(page.size(), 2'000'000U);
}

TEST(Html, SeveralRunsAreOnePage) {
  const std::array<Page, 2> pages = {page_of(tests::mission_run()), page_of(tests::tuned_run())};
  const std::string page = html_of(pages);
  EXPECT_EQ(count_of(page, "<article>"), 2U);
  EXPECT_THAT(page, HasSubstr("id=\"r1-finals\""));
}

}  // namespace
}  // namespace sweetspot::page
