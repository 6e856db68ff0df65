// Which sizes a struct of the C interface may have.
#pragma once

#include <sweetspot/sweetspot.h>

#include <cstddef>

namespace sweetspot::capi {

/// Whether a struct that ends after `size` bytes holds whole members only, `size` among them. No
/// version of the header has a struct that ends inside a member, so such a size is refused. Sizes
/// beyond the struct as this version knows it are those of later versions.
bool holds_whole_members(const sweetspot_options& known, std::size_t size);
bool holds_whole_members(const sweetspot_device& known, std::size_t size);
bool holds_whole_members(const sweetspot_profile& known, std::size_t size);
bool holds_whole_members(const sweetspot_set_options& known, std::size_t size);
bool holds_whole_members(const sweetspot_set_info& known, std::size_t size);
bool holds_whole_members(const sweetspot_host_device& known, std::size_t size);
bool holds_whole_members(const sweetspot_requirements& known, std::size_t size);
bool holds_whole_members(const sweetspot_choice_info& known, std::size_t size);
bool holds_whole_members(const sweetspot_rung& known, std::size_t size);
bool holds_whole_members(const sweetspot_report& known, std::size_t size);

}  // namespace sweetspot::capi
