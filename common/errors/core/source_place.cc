#include "common/errors/core/source_place.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "common/read_number.h"
#include "common/take_until.h"

namespace hpp::errors {
namespace {

constexpr std::size_t kPathMax = 1024;  // bytes

// Folders in a project that hold code of other authors, or generated code.
constexpr std::array<std::string_view, 12> kForeignFolders{
    "node_modules", "site-packages", "dist-packages", "vendor", "target",      ".venv",
    "gems",         ".bundle",       ".yarn",         ".cargo", ".pnpm-store", "bower_components"};

bool is_printed_path(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !text.empty() && text.size() <= kPathMax &&
         std::none_of(text.begin(), text.end(), is_control);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decodes `%20`. A `%` that begins no such code stays.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[at + 2]);
    if (low < 0) {
      decoded += text[at];
    } else {
      decoded += static_cast<char>(high * 16 + low);
      at += 2;
    }
  }
  return decoded;
}

// Names that are not those of files: `<string>`, `node:internal/modules/run_main`.
bool is_no_file(std::string_view text) {
  if (text.starts_with('<') || text.starts_with('[')) return true;
  const auto colon = text.find(':');
  return colon != std::string_view::npos && colon < text.find('/');
}

bool has_foreign_folder(std::string_view path) {
  while (!path.empty()) {
    const std::string_view part = take_until('/', path);
    if (std::find(kForeignFolders.begin(), kForeignFolders.end(), part) != kForeignFolders.end()) {
      return true;
    }
  }
  return false;
}

// The rest of a path below a directory; nothing if it is not below it.
std::optional<std::string_view> below(std::string_view path, std::string_view directory) {
  if (!path.starts_with(directory)) return std::nullopt;
  path.remove_prefix(directory.size());
  if (directory.ends_with('/')) return path;
  if (!path.starts_with('/')) return std::nullopt;
  return path.substr(1);
}

}  // namespace

std::string normal_path(std::string_view path) {
  std::vector<std::string_view> parts;
  const bool is_absolute = path.starts_with('/');
  while (!path.empty()) {
    const std::string_view part = take_until('/', path);
    if (part.empty() || part == ".") continue;
    if (part != ".." || ((parts.empty() || parts.back() == "..") && !is_absolute)) {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string normal;
  for (const std::string_view part : parts) {
    if (is_absolute || !normal.empty()) normal += '/';
    normal += part;
  }
  return normal.empty() ? (is_absolute ? "/" : ".") : normal;
}

std::optional<SourcePlace> source_place(std::string_view printed,
                                        const std::vector<SourceRoot>& roots) {
  assert(!roots.empty() && roots.front().name.empty());
  constexpr std::string_view kScheme = "file://";
  std::string path(printed);
  if (printed.starts_with(kScheme)) {
    printed.remove_prefix(kScheme.size());
    path = percent_decoded(printed.substr(0, printed.find_first_of("?#")));
  }
  if (!is_printed_path(path)) return std::nullopt;
  if (is_no_file(path)) return SourcePlace{.file = std::move(path), .is_foreign = true};
  path = normal_path(path);
  if (path.starts_with("../") || path == "..") path = normal_path(roots.front().path + '/' + path);
  if (!path.starts_with('/')) {
    const bool is_foreign = has_foreign_folder(path);
    return SourcePlace{.file = std::move(path), .is_foreign = is_foreign};
  }
  for (const SourceRoot& root : roots) {
    const auto rest = below(path, root.path);
    if (!rest || rest->empty()) continue;
    const bool is_foreign = has_foreign_folder(*rest);
    const std::string name = root.name.empty() ? "" : root.name + '/';
    return SourcePlace{.file = name + std::string(*rest), .is_foreign = is_foreign};
  }
  return SourcePlace{.file = std::move(path), .is_foreign = true};
}

}  // namespace hpp::errors
