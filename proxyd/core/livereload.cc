#include "proxyd/core/livereload.h"

#include <nlohmann/json.hpp>

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;

constexpr const char* kProtocol = "http://livereload.com/protocols/official-7";

}  // namespace

bool is_livereload_hello(std::string_view text) {
  const Json message = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return message.is_object() && message.value("command", Json()) == "hello";
}

std::string livereload_hello() {
  return Json{{"command", "hello"}, {"protocols", {kProtocol}}, {"serverName", "hpp"}}.dump();
}

std::string livereload_reload() {
  // The path is what changed; one that is no style sheet makes the client reload the page.
  return Json{{"command", "reload"}, {"path", "/"}, {"liveCSS", false}}.dump();
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

std::string_view livereload_script() {
  return R"js((() => {
  // Beside the script: on LiveReload's own port, or below /__hpp/ on the main one.
  const script = document.currentScript;
  const url = new URL("livereload", script ? script.src : location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const hello = {
    command: "hello",
    protocols: ["http://livereload.com/protocols/official-7"],
  };
  let wait = 100;
  let wasConnected = false;

  function connect() {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(JSON.stringify(hello));
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.command === "reload") location.reload();
      if (message.command !== "hello") return;
      // A reload may have been missed meanwhile.
      if (wasConnected) location.reload();
      wasConnected = true;
      wait = 100;
    };
    socket.onclose = () => {
      setTimeout(connect, wait);
      wait = Math.min(2 * wait, 5000);
    };
  }

  connect();
})();
)js";
}

}  // namespace hpp::proxyd
