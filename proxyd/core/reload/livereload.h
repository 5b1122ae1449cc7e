// Pure. What is said to browsers by LiveReload's protocol 7, and when they are told to reload.
//
// A browser says hello and is answered with a hello; from then on it obeys `reload`
// (github.com/livereload/livereload-js, protocol.js). It takes any other command for an error, so
// what is ours is said only to clients that have named our own protocol in their hello.
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
  Official,  // `reload` and no more: extensions, livereload-js
  Own,       // `state` and no more (broadcast.h): livereload.js of ours
};

// What the client speaks whose hello `text` is; nothing if it is none. Anything else that a client
// says (`info`, `url`) asks for nothing.
std::optional<Dialect> read_livereload_hello(std::string_view text);

std::string livereload_hello(Dialect dialect);

// A page of our own client tells what it has made of one batch of changes for browsers.
struct RefreshReport {
  enum class How {
    Swapped,     // it shows the new style sheets
    Unaffected,  // it has no style sheets
    Reloaded,    // it loads the page again
  };

  bus::RefreshPoint point;  // which batch
  How how = How::Swapped;

  bool operator==(const RefreshReport&) const = default;
};

// Nothing: `text` is no such report.
std::optional<RefreshReport> read_refresh_report(std::string_view text);

// Whether the page that has opened a WebSocket is of this machine, by the Origin of its handshake:
// others may connect, too, and be told to reload, but what the backend prints is none of their
// business (WebSockets know no same-origin policy). Empty: no browser sent it.
bool is_local_origin(std::string_view origin);

// Has the whole page loaded anew. `path`: what changed, for a log.
std::string livereload_reload(const std::string& path = "/");

// Has a style sheet loaded anew, that with the likest URL; all of them if none has its name. Of a
// source that becomes a style sheet (`a.scss`) the URL ends in `.css`, and the clients know no
// other ending.
std::string livereload_css(std::string path);

// Decides when browsers reload: as soon as what they show may be outdated. They need not wait for
// the new backend: the request that follows is held until there is one.
//
//   Running ──► anything else, or a newer generation: reload
//   Error   ──► anything else, or a newer generation: reload (they show the error)
//   Loading, Killing ──► anything: nobody got an answer meanwhile that could be outdated
class RefreshRule {
 public:
  // Takes the newest state; returns whether browsers reload.
  bool on(const bus::BackendState& backend);

 private:
  // What the last answers came from.
  struct Source {
    std::uint64_t generation = 0;
    bool is_error = false;

    bool operator==(const Source&) const = default;
  };

  std::optional<Source> source_;
};

}  // namespace hpp::proxyd
