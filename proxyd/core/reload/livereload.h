// Pure. The messages of LiveReload's protocol 7, and the rule when browsers must reload.
//
// The browser and the server each send `hello`; after that the browser obeys `reload`
// (github.com/livereload/livereload-js, protocol.js). It treats any other command as an error, so
// hpp sends its own commands only to clients that have named hpp's protocol in their hello.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bus/messages.h"

namespace hpp::proxyd {

// The longest message that a browser has reason to send.
constexpr std::size_t kLiveReloadMessageMax = 16 * 1024;  // bytes

enum class Dialect {
  Official,  // gets only `reload`: browser extensions, livereload-js
  Own,       // gets only `state` (broadcast.h): hpp's livereload.js
};

// Returns the dialect of the client that has sent `text`; nothing if `text` is not a hello. The
// other messages of clients (`info`, `url`) need no answer.
std::optional<Dialect> read_livereload_hello(std::string_view text);

std::string livereload_hello(Dialect dialect);

// A report from hpp's client: what a page did about one refresh.
struct RefreshReport {
  enum class How {
    Swapped,     // the page shows the new style sheets
    Unaffected,  // the page has no style sheets
    Reloaded,    // the page reloads
  };

  bus::RefreshPoint point;  // identifies the refresh
  How how = How::Swapped;

  bool operator==(const RefreshReport&) const = default;
};

// Returns nothing if `text` is not such a report.
std::optional<RefreshReport> read_refresh_report(std::string_view text);

// Whether a page that has opened a WebSocket comes from this machine. `origin`: the handshake's
// Origin; empty if the client is not a browser, which counts as local. Other pages may connect as
// well, because WebSockets have no same-origin policy, and get reloads. But they must not get the
// backend's output.
bool is_local_origin(std::string_view origin);

// Returns the command that reloads the whole page. `path`: the changed file, for the client's log.
std::string livereload_reload(const std::string& path = "/");

// Returns the command that reloads the style sheet with the most similar URL; all style sheets if
// none has that name. The extension of a source such as `a.scss` is replaced by `.css`, the only
// one that the clients know for style sheets.
std::string livereload_css(std::string path);

// Decides when browsers reload: as soon as the page that they show may be outdated. They need not
// wait for the new backend, because hpp holds their request until the backend is ready.
//
//   Running ──► anything else, or a newer generation: reload
//   Error   ──► anything else, or a newer generation: reload (the browser shows the error page)
//   Loading, Killing ──► anything: no reload, because no request got an answer in that state
class RefreshRule {
 public:
  // Takes the newest state. Returns whether browsers must reload.
  bool on(const bus::BackendState& backend);

 private:
  // The source of the newest answers that browsers can have.
  struct Source {
    std::uint64_t generation = 0;
    bool is_error = false;

    bool operator==(const Source&) const = default;
  };

  std::optional<Source> source_;
};

}  // namespace hpp::proxyd
