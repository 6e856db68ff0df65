// What the build puts into the program for the page: our own style and script, and the library that
// draws (D3, found by cmake/SweetspotPage.cmake).
#pragma once

#include <string_view>

namespace sweetspot::page {

extern const std::string_view kStyle;
extern const std::string_view kScript;
extern const std::string_view kLibrary;         ///< D3, minified
extern const std::string_view kLibraryLicence;  ///< for a comment

}  // namespace sweetspot::page
