// One chart of a page as a file of its own: which there are, and the picture that a browser made.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "page/figure.hpp"

namespace sweetspot::page {

/// The element that the page's script leaves the picture in.
inline constexpr std::string_view kPictureId = "picture";

/// The drawn figure of that id; with an empty id the only one. Errors (usage): there is none, or
/// more than one; the remedy names those that there are.
Result<const Figure*> chart_of(const Page& page, std::string_view id);

/// The SVG that the script of html_to_draw() left in its page, `dom` being the page as the browser
/// had it in the end. Errors (internal): it left none.
Result<std::string> picture_in(std::string_view dom);

}  // namespace sweetspot::page
