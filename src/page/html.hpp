// Reports as one HTML file that needs nothing else.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "page/figure.hpp"

namespace sweetspot::page {

/// Text as HTML shows it, in an element or a quoted attribute. What does not print is shown as what
/// it is, as on a terminal.
std::string html_text(std::string_view text);

/// The page: tables, the charts' data as JSON that no script element can be closed by, the library
/// that draws them, and a policy that lets the page ask nobody for anything.
std::string html_of(std::span<const Page> pages);

/// A page of this one figure, which is drawn, for a browser that nobody looks at: its script leaves
/// the picture where picture_in() finds it.
std::string html_to_draw(const Page& page, const Figure& figure);

}  // namespace sweetspot::page
