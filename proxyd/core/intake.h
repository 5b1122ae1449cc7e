// Pure. Takes in a request whose head has been read: whether it is accepted, whether hpp answers it
// itself, whether its page gets our script, and how the backend gets it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/address.h"
#include "proxyd/core/exchange.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/own_endpoints.h"
#include "proxyd/core/reload/inject.h"

namespace hpp::proxyd {

// The same for all requests.
struct IntakeRules {
  Address bind;          // where this proxy listens
  bool injects = false;  // our script, into pages
  std::string backend;   // `localhost:8001`: Host for a client that sends none
};

struct Peer {
  std::string ip;
  bool is_local = false;  // a loopback address
};

struct Intake {
  RequestFacts facts;
  std::string head;               // as the backend gets it
  std::optional<Page> page;       // that the user navigates to, if it is to get our script
  std::optional<OwnRequest> own;  // hpp answers it itself

  // Whether it waits at the gate, and needs a ticket.
  bool is_judged() const { return !own || waits_at_gate(own->endpoint); }
};

std::variant<Intake, RequestRefused> take_in(const RequestHead& head, const Peer& peer,
                                             const IntakeRules& rules);

}  // namespace hpp::proxyd
