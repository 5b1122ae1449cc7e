// Pure. What is said to browsers by LiveReload's protocol 7, and when they are told to reload.
//
// A browser says hello and is answered with a hello; from then on it obeys `reload`
// (github.com/livereload/livereload-js, protocol.js).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bus/messages.h"

namespace hpp::proxyd {

// The longest message that a browser has reason to send.
constexpr std::size_t kLiveReloadMessageMax = 16 * 1024;  // bytes

// Whether `text` is a client's hello. Anything else that a client says (`info`, `url`) asks for
// nothing.
bool is_livereload_hello(std::string_view text);

std::string livereload_hello();
std::string livereload_reload();

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

// The script that pages load from `/livereload.js`: connects to the WebSocket beside it, reloads
// the page when told to, and when it finds the server back after a time without.
std::string_view livereload_script();

}  // namespace hpp::proxyd
