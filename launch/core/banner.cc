#include "launch/core/banner.h"

#include <fmt/format.h>

#include "common/text.h"

namespace hpp::launch {
namespace {

// SGR parameters, ECMA-48 §8.3.117.
constexpr const char* kBold = "1";
constexpr const char* kFaint = "2";
constexpr const char* kGreen = "32";
constexpr const char* kCyan = "36";
constexpr const char* kBoldCyan = "1;36";

class Painter {
 public:
  explicit Painter(bool is_coloured) : is_coloured_(is_coloured) {}

  std::string with(const char* attributes, std::string_view text) const {
    const std::string shown = printable(text);
    return is_coloured_ ? fmt::format("\033[{}m{}\033[0m", attributes, shown) : shown;
  }

  // `  ➜  Local:    http://localhost:8000/`
  std::string entry(std::string_view label, const char* attributes, std::string_view value) const {
    const std::string padding(kLabelWidth - label.size(), ' ');
    return fmt::format("{}{}{}{}", arrow(), with(kBold, label), padding, with(attributes, value));
  }

  std::string arrow() const { return fmt::format("  {}  ", with(kGreen, "➜")); }

 private:
  static constexpr std::size_t kLabelWidth = 10;

  bool is_coloured_;
};

bool is_loopback(const std::string& host) {
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") ||
         host == "::1";
}

}  // namespace

std::string short_path(std::string_view path, std::string_view home) {
  while (home.ends_with('/')) home.remove_suffix(1);
  const bool is_in_home = !home.empty() && path.starts_with(home) &&
                          (path.size() == home.size() || path[home.size()] == '/');
  return is_in_home ? fmt::format("~{}", path.substr(home.size())) : std::string(path);
}

std::string network_text(const Address& bind, bool is_lan, const std::vector<std::string>& own) {
  if (!is_lan && is_loopback(bind.host)) {
    return fmt::format("off (bind 0.0.0.0:{}, or --lan)", bind.port);
  }
  if (!is_lan && !is_wildcard(bind.host)) return site_url(bind);
  std::string urls;
  for (const std::string& host : own) {
    urls += (urls.empty() ? "" : " ") + site_url({.host = host, .port = bind.port});
  }
  return urls.empty() ? "this machine has no address in a local network" : urls;
}

std::vector<std::string> url_lines_of(const Banner& banner, bool is_coloured) {
  const Painter painter(is_coloured);
  const bool is_url = banner.network.starts_with("http");
  return {painter.entry("Local:", kCyan, banner.url),
          painter.entry("Network:", is_url ? kCyan : kFaint, banner.network),
          painter.entry("Status:", kCyan, banner.url + "__hpp/")};
}

std::vector<std::string> lines_of(const Banner& banner, bool is_coloured) {
  const Painter painter(is_coloured);
  std::vector<std::string> lines{
      "",
      fmt::format("  {} {}   {}", painter.with(kBoldCyan, "hpp"), banner.version,
                  painter.with(kFaint, banner.directory)),
      ""};
  for (std::string& line : url_lines_of(banner, is_coloured)) lines.push_back(std::move(line));
  if (!banner.hint.empty()) lines.push_back(painter.arrow() + painter.with(kFaint, banner.hint));
  lines.emplace_back();
  return lines;
}

}  // namespace hpp::launch
