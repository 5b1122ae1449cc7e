#include "proxyd/core/reload/livereload.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/json_text.h"

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;

constexpr const char* kProtocol = "http://livereload.com/protocols/official-7";
constexpr const char* kOwnProtocol = "hpp-1";

}  // namespace

std::optional<Dialect> read_livereload_hello(std::string_view text) {
  const Json message = parse_json(text);
  if (!message.is_object()) return std::nullopt;
  const auto command = message.find("command");
  if (command == message.end() || *command != "hello") return std::nullopt;
  // Do not copy parts of `message`: a copy is made recursively, and a client could send a message
  // so deep that the stack overflows.
  const auto protocols = message.find("protocols");
  const bool is_own = protocols != message.end() && std::find(protocols->begin(), protocols->end(),
                                                              kOwnProtocol) != protocols->end();
  return is_own ? Dialect::Own : Dialect::Official;
}

std::optional<RefreshReport> read_refresh_report(std::string_view text) {
  const Json message = parse_json(text);
  if (!message.is_object() || message.size() != 4) return std::nullopt;
  const auto is_text = [&](const char* name, const char* value) {
    const auto found = message.find(name);
    return found != message.end() && found->is_string() && *found == value;
  };
  const auto number = [&](const char* name) -> std::optional<std::uint64_t> {
    const auto found = message.find(name);
    if (found == message.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
  };
  const auto epoch = number("epoch");
  const auto count = number("count");
  if (!is_text("command", "refreshed") || !epoch || !count) return std::nullopt;
  using enum RefreshReport::How;
  for (const auto& [name, how] :
       {std::pair{"swapped", Swapped}, {"unaffected", Unaffected}, {"reloaded", Reloaded}}) {
    if (is_text("how", name)) {
      return RefreshReport{.point = {.epoch = *epoch, .count = *count}, .how = how};
    }
  }
  return std::nullopt;
}

std::string livereload_hello(Dialect dialect) {
  Json protocols = Json::array({kProtocol});
  switch (dialect) {
    case Dialect::Official:
      break;
    case Dialect::Own:
      protocols.push_back(kOwnProtocol);
      break;
  }
  return json_text(
      Json{{"command", "hello"}, {"protocols", std::move(protocols)}, {"serverName", "hpp"}});
}

bool is_local_origin(std::string_view origin) {
  if (origin.empty()) return true;
  const auto scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view host = origin.substr(scheme + 3);
  const auto port = host.rfind(':');
  if (port != std::string_view::npos && !host.ends_with(']')) host = host.substr(0, port);
  // Names below `localhost` always mean this machine (RFC 6761 §6.3).
  return host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" ||
         host == "[::1]";
}

// Without `liveCSS` and `liveImg` off, the client would reload only an image or a style sheet, and
// not the page.
std::string livereload_reload(const std::string& path) {
  return json_text(
      Json{{"command", "reload"}, {"path", path}, {"liveCSS", false}, {"liveImg", false}});
}

std::string livereload_css(std::string path) {
  const auto dot = path.rfind('.');
  const auto slash = path.rfind('/');
  const bool has_ending = dot != std::string::npos && (slash == std::string::npos || slash < dot);
  if (has_ending) path.erase(dot);
  return json_text(Json{{"command", "reload"}, {"path", path + ".css"}, {"liveCSS", true}});
}

bool RefreshRule::on(const bus::BackendState& backend) {
  std::optional<Source> now;
  switch (backend.state) {
    case bus::BackendPhase::Loading:
    case bus::BackendPhase::Killing:
      break;
    case bus::BackendPhase::Running:
      now = Source{.generation = backend.generation, .is_error = false};
      break;
    case bus::BackendPhase::Error:
      now = Source{.generation = backend.generation, .is_error = true};
      break;
  }
  const bool outdated = source_ && source_ != now;
  source_ = now;
  return outdated;
}

}  // namespace hpp::proxyd
