// Whether a program is still the one that was read: sizes, times, and a hash of what it is made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sweetspot::servers {

/// The program's file and llama.cpp's libraries beside it (or in ../lib): a program that is linked
/// with them stays the same file when they are replaced.
std::vector<std::string> parts_of(const std::string& program);

/// Sizes and times of modification of these files, as one text. Costs no reading.
std::string stamp_of(const std::vector<std::string>& files);

/// FNV-1a (64 bits) of all bytes of these files, 16 hex digits. Reads them.
std::string hash_of(const std::vector<std::string>& files);

/// The same of a text: for a command that has no file.
std::string hash_of_text(const std::string& text);

}  // namespace sweetspot::servers
