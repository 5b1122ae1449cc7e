// Pure. Classifies a request after its head was read: whether it is accepted, whether hpp answers
// it itself, whether its page gets hpp's script, and which head the backend gets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proxyd/core/access.h"
#include "proxyd/core/events.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/own_endpoints.h"
#include "proxyd/core/reload/inject.h"

namespace hpp::proxyd {

// The settings, which are the same for all requests.
struct IntakeRules {
  AccessRules access;
  bool injects = false;  // whether pages get hpp's script
};

struct Intake {
  RequestFacts facts;
  std::string head;           // the head for the backend
  std::optional<Page> page;   // the page that the user navigates to, if it may get hpp's script
  bool has_variants = false;  // a navigation to the same URL may get another answer (variants.h)
  std::optional<OwnRequest> own;  // set if hpp answers the request itself
  std::optional<Notice> notice;   // why a page does not reload, if the user can change it

  // Whether the request waits at the gate, and needs a ticket.
  bool is_judged() const { return !own || waits_at_gate(own->endpoint); }
};

// `host`: the backend's, for a request without a Host.
std::variant<Intake, RequestRefused> take_in(const RequestHead& head, const Peer& peer,
                                             const IntakeRules& rules, const std::string& host);

}  // namespace hpp::proxyd
