// Pure. Decides what a client may see of hpp, by its address and by the name that it uses for this
// machine.
//
// hpp's own endpoints and error pages tell about files, commands and output. A client of this
// machine may see them all, if it uses a name that can only be this machine's. Any web page in the
// developer's browser can send requests to this machine. The same-origin policy keeps it from
// reading the answers, unless its own name has been made to point here (DNS rebinding), and then
// Host has that name.
//
// `--trust-host` adds one name, for example that of a tunnel or of a program that terminates TLS.
// `--lan` adds the clients with private addresses, if they use an IP address as the name, which no
// site can take over, or a name in `.local`, which only the local network resolves. Both get what
// pages need in order to reload, to show errors, and to recover from them. Only the clients of the
// LAN get all output as well, because a program behind a trusted name may serve everyone.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/address.h"
#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

struct AccessRules {
  Address bind;              // where this proxy listens
  std::string trusted_host;  // `app.example.dev` or `app.example.dev:8443`; empty: none
  bool has_lan = false;      // --lan
};

struct Peer {
  std::string ip;
  bool is_local = false;  // whether `ip` is a loopback address
};

enum class Access {  // each includes the ones before it
  None,
  Pages,   // the endpoints with which pages reload, and recover from errors
  Output,  // all output
  Full,
};

Access access_of(const RequestHead& head, const Peer& peer, const AccessRules& rules);

// Whether the sender of this request may see errors. Unlike access_of(), any port will do, because
// a tunnel to this machine may have another one, and only a name can be another site's.
bool may_see_errors(const RequestHead& head, const Peer& peer, const AccessRules& rules);

// Whether a WebSocket handshake or a POST comes from a page of this proxy. Browsers send the page's
// origin, `http://localhost:8000`, in every one. Other clients send none, and are accepted.
bool has_own_origin(const RequestHead& head, const AccessRules& rules);

// A line of the log about a client that is refused something it may expect.
struct Notice {
  std::string about;  // the name or address that it is about
  std::string text;   // what happened, why, and which option changes it

  bool operator==(const Notice&) const = default;
};

// Returns the notice for a page or a WebSocket that access_of() or has_own_origin() has refused;
// nothing: the user cannot have meant it, or no option changes it.
std::optional<Notice> notice_for(const RequestHead& head, const Peer& peer,
                                 const AccessRules& rules);

// Lets each notice pass once.
class NoticeLog {
 public:
  // A program can send as many names as it likes.
  static constexpr std::size_t kNoticesMax = 16;

  bool admit(const Notice& notice) {
    return told_.size() < kNoticesMax && told_.insert(notice.about).second;
  }

 private:
  std::set<std::string> told_;
};

}  // namespace hpp::proxyd
