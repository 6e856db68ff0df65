# What a report's page is made of besides its data: our style and script, and D3 (version 3, Debian's libjs-d3),
# which draws. They become a source file, so that the program needs none of them at run time.
find_file(SWEETSPOT_D3 d3.min.js PATHS /usr/share/javascript/d3 PATH_SUFFIXES share/javascript/d3
          DOC "d3.min.js of D3 3.x")
find_file(SWEETSPOT_D3_LICENCE NAMES copyright LICENSE PATHS /usr/share/doc/libjs-d3 DOC "the licence of D3" NO_DEFAULT_PATH)
if(NOT SWEETSPOT_D3 OR NOT SWEETSPOT_D3_LICENCE)
  message(FATAL_ERROR "D3 3.x is missing, which draws the charts of `sweetspot report`: install libjs-d3, or give "
    "-DSWEETSPOT_D3=/path/to/d3.min.js -DSWEETSPOT_D3_LICENCE=/path/to/LICENSE")
endif()

# sweetspot_page_assets(OUTPUT): writes the source file, again whenever one of its parts has changed.
function(sweetspot_page_assets output)
  set(style ${CMAKE_CURRENT_SOURCE_DIR}/page.css)
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/page.js)
  foreach(part style script SWEETSPOT_D3 SWEETSPOT_D3_LICENCE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${${part}})
    file(READ ${${part}} ${part}_text)
  endforeach()
  string(REPLACE "*/" "* /" SWEETSPOT_D3_LICENCE_text "${SWEETSPOT_D3_LICENCE_text}")
  if(SWEETSPOT_D3_text MATCHES "</script" OR NOT SWEETSPOT_D3_text MATCHES "version:\"3\\.")
    message(FATAL_ERROR "${SWEETSPOT_D3} is not D3 3.x as Debian has it")
  endif()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [==[// Made by cmake/SweetspotPage.cmake.
#include "page/assets.hpp"

// Longer than the standard promises; g++ and clang take any length.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"

namespace sweetspot::page {

const std::string_view kStyle = R"sweetspot(@style_text@)sweetspot";
const std::string_view kScript = R"sweetspot(@script_text@)sweetspot";
const std::string_view kLibrary = R"sweetspot(@SWEETSPOT_D3_text@)sweetspot";
const std::string_view kLibraryLicence = R"sweetspot(@SWEETSPOT_D3_LICENCE_text@)sweetspot";

}  // namespace sweetspot::page

#pragma GCC diagnostic pop
]==])
endfunction()
