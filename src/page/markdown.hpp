// Reports as Markdown, to paste into an issue.
#pragma once

#include <span>
#include <string>

#include "page/figure.hpp"

namespace sweetspot::page {

/// Tables of GitHub's Markdown. Nothing in them is read as markup or as HTML.
std::string markdown_of(std::span<const Page> pages);

}  // namespace sweetspot::page
