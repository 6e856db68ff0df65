#include "capi/c_values.hpp"

#include <cstdlib>

namespace sweetspot::capi {

Fault fault_of(const Error& error, sweetspot_status status) {
  return {status, error.remedy.empty() ? error.message : error.message + ": " + error.remedy};
}

// malloc, so that the text can be freed whatever C++ library the caller has.
sweetspot_status fail(char** error, const Fault& fault) {
  if (error == nullptr) return fault.status;
  const char* const text =
      fault.message.empty() ? "there is no memory left" : fault.message.c_str();
  const std::size_t length = std::strlen(text) + 1;
  *error = static_cast<char*>(std::malloc(length));
  if (*error != nullptr) std::memcpy(*error, text, length);
  return fault.status;
}

void require(const void* pointer, const char* what) {
  if (pointer == nullptr) bad_argument(std::string(what) + " is NULL");
}

void bad_argument(std::string message) {
  throw Fault{SWEETSPOT_ERROR_ARGUMENT, std::move(message)};
}

sweetspot_bytes bytes_of(const Reading<std::uint64_t>& reading) {
  if (reading) return {*reading, nullptr};
  return {SWEETSPOT_UNKNOWN, reading.reason().c_str()};
}

sweetspot_number number_of(const Reading<double>& reading) {
  if (reading) return {*reading, nullptr};
  return {std::numeric_limits<double>::quiet_NaN(), reading.reason().c_str()};
}

sweetspot_text text_of(const Reading<std::string>& reading) {
  if (reading) return {reading->c_str(), nullptr};
  return {nullptr, reading.reason().c_str()};
}

sweetspot_estimate estimate_of(const Reading<Estimate>& reading) {
  if (reading) return {reading->value, reading->low, reading->high, nullptr};
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  return {kNone, kNone, kNone, reading.reason().c_str()};
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

Loader loader_of(const char* program, const char* arguments) {
  Loader loader{text_or_empty(program), {}};
  if (const std::string said = text_or_empty(arguments); !said.empty()) {
    loader.arguments.push_back(said);
  }
  return loader;
}

}  // namespace sweetspot::capi
