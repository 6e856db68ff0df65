#include "page/share.hpp"

#include <cctype>
#include <utility>

#include "core/json.hpp"

namespace sweetspot::page {
namespace {

constexpr std::string_view kNoPath = "(path)";
constexpr std::string_view kNoUuid = "(uuid)";
constexpr std::string_view kNoAddress = "(address)";
constexpr std::string_view kNoWord = "(left out)";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  if (what.empty()) return text;
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

std::string without_word(std::string text, std::string_view word) {
  if (word.empty()) return text;
  std::size_t at = text.find(word);
  while (at != std::string::npos) {
    const std::size_t end = at + word.size();
    const bool whole =
        (at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]));
    if (whole) text.replace(at, word.size(), kNoWord);
    at = text.find(word, whole ? at + kNoWord.size() : at + 1);
  }
  return text;
}

// The length of what stands at the beginning of `text`; 0 = no such thing.

std::size_t uuid_at(std::string_view text) {
  std::size_t at = 0;
  for (const std::size_t digits : {8U, 4U, 4U, 4U, 12U}) {
    if (at > 0 && (at >= text.size() || text[at++] != '-')) return 0;
    for (std::size_t i = 0; i < digits; ++i, ++at) {
      if (at >= text.size() || std::isxdigit(static_cast<unsigned char>(text[at])) == 0) return 0;
    }
  }
  return at;
}

// Four numbers with dots between; those of loopback say nothing.
std::size_t address_at(std::string_view text) {
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at >= text.size() || text[at++] != '.')) return 0;
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    constexpr std::size_t kMostDigits = 3;
    if (at == begin || at - begin > kMostDigits) return 0;
  }
  if (at < text.size() && (text[at] == '.' || is_word(text[at]))) return 0;
  return text.starts_with("127.") ? 0 : at;
}

std::size_t path_at(std::string_view text) {
  const std::size_t slash = text.starts_with("~/") ? 1 : 0;
  if (text.size() <= slash + 1 || text[slash] != '/') return 0;
  const std::size_t end = text.find_first_of(" \t\r\n\"'`<>|,;:()[]{}", slash);
  const std::size_t length = end == std::string_view::npos ? text.size() : end;
  return length > slash + 1 ? length : 0;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string text_in(const Json& json, const char* name) {
  const auto member = json.find(name);
  return member != json.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// An empty object where there is none of that name.
Json& object_in(Json& json, const char* name) {
  Json& member = json[name];
  if (!member.is_object()) member = Json::object();
  return member;
}

// Visits the entries of a list, where it is one.
template <typename Visit>
void each_in(Json& json, const char* name, Visit&& visit) {
  const auto member = json.find(name);
  if (member == json.end() || !member->is_array()) return;
  for (Json& entry : *member) visit(entry);
}

// All that is replaced in every text of a document.
struct Traces {
  std::vector<std::string> paths;  ///< of the model: their names stay
  std::vector<std::string> words;
};

Traces traces_of(Json& document, const std::vector<std::string>& words) {
  Json& model = object_in(document, "model");
  Traces traces{{text_in(model, "path")}, words};
  each_in(model, "files", [&](Json& file) {
    if (file.is_object()) traces.paths.push_back(text_in(file, "path"));
  });
  if (!document.contains("settings")) return traces;  // a plan
  each_in(object_in(document, "settings"), "rpc", [&](const Json& endpoint) {
    const std::string text = endpoint.is_string() ? endpoint.get<std::string>() : std::string();
    const std::string host = text.substr(0, text.rfind(':'));
    if (host != "127.0.0.1" && host != "localhost") traces.words.push_back(host);
  });
  return traces;
}

void clean(Json& json, const Traces& traces) {
  if (json.is_structured()) {
    for (Json& member : json) clean(member, traces);
    return;
  }
  if (!json.is_string()) return;
  std::string text = json.get<std::string>();
  for (const std::string& path : traces.paths) {
    text = replaced(std::move(text), path, file_name(path));
  }
  json = without_traces(text, traces.words);
}

// When the file was written and where on the disk it lies.
void forget_files(Json& model) {
  each_in(model, "files", [](Json& file) {
    if (file.is_object()) file["mtime_ns"] = file["inode"] = 0;
  });
}

void forget_values(Json& machine) {
  each_in(machine, "environment", [](Json& variable) {
    if (!variable.is_string()) return;
    const std::string text = variable.get<std::string>();
    variable = text.substr(0, text.find('=')).append("=").append(kNoWord);
  });
}

}  // namespace

std::string without_traces(std::string_view text, const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const bool begins = at == 0 || !is_word(text[at - 1]);
    std::size_t length = begins ? uuid_at(rest) : 0;
    std::string_view instead = kNoUuid;
    if (length == 0 && begins && (at == 0 || text[at - 1] != '.')) {
      length = address_at(rest);
      instead = kNoAddress;
    }
    if (length == 0 && begins) {
      length = path_at(rest);
      instead = kNoPath;
    }
    if (length > 0) {
      out += instead;
      at += length;
    } else {
      out += text[at++];
    }
  }
  for (const std::string& word : words) out = without_word(std::move(out), word);
  return out;
}

Result<std::string> shared(std::string_view text, const std::vector<std::string>& words) {
  Result<Json> json = parse_json(text);
  if (!json) return tl::unexpected(json.error());
  if (!json->is_object()) return error(ErrorKind::usage, "it is no JSON object");
  clean(*json, traces_of(*json, words));
  forget_files(object_in(*json, "model"));
  if (json->contains("machine")) forget_values(object_in(*json, "machine"));
  constexpr int kIndent = 2;
  return dump(*json, kIndent) + "\n";
}

}  // namespace sweetspot::page
