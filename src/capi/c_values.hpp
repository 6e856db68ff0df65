// What every function of the C interface does with sizes, texts, absent values and errors.
#pragma once

#include <sweetspot/sweetspot.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <string>

#include "capi/struct_size.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"

namespace sweetspot::capi {

/// Why a call failed.
struct Fault {
  sweetspot_status status = SWEETSPOT_ERROR_INTERNAL;
  std::string message;
};

Fault fault_of(const Error& error, sweetspot_status status);

/// Sets `error`, where the caller wants one, to a copy that sweetspot_free() frees.
sweetspot_status fail(char** error, const Fault& fault);

/// Runs `body`, which returns a sweetspot_status or throws: nothing gets past it. `error` is NULL
/// afterwards, or says why.
template <typename Body>
sweetspot_status guarded(char** error, Body body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    return body();
  } catch (const Fault& fault) {
    return fail(error, fault);
  } catch (const std::bad_alloc&) {
    return fail(error, {SWEETSPOT_ERROR_INTERNAL, {}});
  } catch (const std::exception& e) {
    return fail(error, {SWEETSPOT_ERROR_INTERNAL, e.what()});
  }
}

/// Throws a Fault where `pointer` is null; `what` names it.
void require(const void* pointer, const char* what);

[[noreturn]] void bad_argument(std::string message);

/// The caller's struct as this version knows it: what lies beyond its size is zero.
template <typename Struct>
Struct read_in(const Struct* given) {
  Struct known{};
  if (given == nullptr) return known;
  const std::size_t size = given->size;
  if (size < sizeof(size)) bad_argument("the size of a struct is not set");
  if (!holds_whole_members(known, size)) bad_argument("the size of a struct ends inside a member");
  std::memcpy(&known, given, std::min(size, sizeof(Struct)));
  return known;
}

/// Whether `out` is a struct that copy_out() can fill.
template <typename Struct>
bool can_be_filled(const Struct* out) {
  return out != nullptr && holds_whole_members(Struct{}, out->size);
}

/// Fills the caller's struct as far as it reaches, its size excepted.
template <typename Struct>
sweetspot_status copy_out(Struct* out, Struct full) {
  if (!can_be_filled(out)) return SWEETSPOT_ERROR_ARGUMENT;
  full.size = out->size;
  std::memcpy(out, &full, std::min(out->size, sizeof(Struct)));
  return SWEETSPOT_OK;
}

// The texts these point to are those of the readings.
sweetspot_bytes bytes_of(const Reading<std::uint64_t>& reading);
sweetspot_number number_of(const Reading<double>& reading);
sweetspot_text text_of(const Reading<std::string>& reading);
sweetspot_estimate estimate_of(const Reading<Estimate>& reading);

/// "" for NULL.
std::string text_or_empty(const char* text);

Loader loader_of(const char* program, const char* arguments);

}  // namespace sweetspot::capi
