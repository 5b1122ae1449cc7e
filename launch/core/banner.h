// Pure. The lines that hpp-launch prints when it is ready: where the site is, and how to get help.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"

namespace hpp::launch {

struct Banner {
  std::string version;    // `0.2.0`
  std::string directory;  // path of the project folder, see short_path()
  std::string url;        // address of the site on this machine, see site_url()
  std::string network;    // see network_text()
  std::string hint;       // the last line, about the keys; or empty
};

constexpr std::string_view kKeysHint = "press h + Enter for help";
constexpr std::string_view kInteractiveHint =
    "the keyboard belongs to your server; Ctrl+C stops hpp and your server";

// `~/src/shop` if the path is in `home`, else the path. `home` may be empty.
std::string short_path(std::string_view path, std::string_view home);

// The URLs for other machines, or how to get one: `off (bind 0.0.0.0:8000, or --lan)`. `own` are
// the addresses of this machine in local networks, for --lan (`is_lan`) and for a wildcard address.
std::string network_text(const Address& bind, bool is_lan, const std::vector<std::string>& own);

// All lines, without newlines. An empty line separates them from the output around them.
std::vector<std::string> lines_of(const Banner& banner, bool is_coloured);

// Only the lines with URLs.
std::vector<std::string> url_lines_of(const Banner& banner, bool is_coloured);

}  // namespace hpp::launch
