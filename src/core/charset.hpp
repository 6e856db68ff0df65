// Which characters text for people may hold.
#pragma once

#include <string_view>

namespace sweetspot {

/// From here on, text for people is ASCII: the locale of this process knows no UTF-8. Like the
/// locale itself it holds for the whole process; called once, before anything is shown.
void use_ascii_text();

/// Whether that was called.
bool text_is_ascii();

/// Whether POSIX' variables name a locale that writes UTF-8: the first of LC_ALL, LC_CTYPE and LANG
/// that is not empty decides, and where none is set the locale is C.
bool locale_is_utf8(std::string_view lc_all, std::string_view lc_ctype, std::string_view lang);

}  // namespace sweetspot
