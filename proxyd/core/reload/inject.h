// Pure. Decides which pages get hpp's LiveReload script (`--inject`), and what that changes in the
// request. variants.h changes the head of the answer, and tag_inserter.h finds the script's place
// in the page.
//
//   The request must   be a navigation (http/navigation.h).
//   The answer must    be shown as a page (2xx, 4xx or 5xx, but not 206), be text/html, have a
//                      body, have no content coding, not be a download, and allow changes
//                      (Cache-Control). Its Content-Security-Policy must allow the script.
//
// All other answers, above all those that scripts fetch, keep their bodies; variants.h says what
// changes in their heads. If an answer is a page but cannot get the script, hpp logs the reason and
// a remedy, once per kind of obstacle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/reload/csp.h"

namespace hpp::proxyd {

// Returns the page that the user navigates to with this request; nothing if the request is not a
// navigation.
std::optional<Page> navigated_page(const RequestHead& head);

// Whether a browser may keep the answer to this request, and use it for a navigation later.
bool may_serve_navigation(const RequestHead& head);

// Returns the request with `Accept-Encoding: identity`, because the script cannot be added to a
// compressed page.
RequestHead asking_for_plain(RequestHead head);

// The reason why a page does not get the script. Each kind is logged once, because the user must
// find out why the page does not reload.
struct Obstacle {
  enum class Kind : std::uint8_t {
    Policy,       // Content-Security-Policy forbids the script
    Encoding,     // compressed, although the request asked for `identity`
    Charset,      // an encoding such as UTF-16, in which a tag in ASCII is not readable
    NoTransform,  // Cache-Control forbids changes
    NoType,       // no Content-Type: browsers guess the type, hpp does not
    Xhtml,        // XHTML: a page, but not HTML
  };

  Kind kind = Kind::Policy;
  std::string text;  // for people: the reason and a remedy

  bool operator==(const Obstacle&) const = default;
};

constexpr std::size_t kObstacleKinds = 6;

// The obstacle of a page that begins with a UTF-16 byte order mark (tag_inserter.h).
Obstacle utf16_obstacle();

struct Injection {
  std::string tag;  // the tag to add, of an even length; empty: the answer passes unchanged
  std::optional<Obstacle> obstacle;  // nothing if the answer gets the script or is not a page

  bool operator==(const Injection&) const = default;
};

// Judges the answer to the request for `page`.
Injection judge_injection(const Page& page, const ResponseHead& head, const ResponseFacts& facts);

// Returns a line for the log if hpp's script asks for itself once more, because the page's policy
// forbids its connection: judge_injection() does not know the policy of a <meta>. `target`: of a
// request for the script.
std::optional<std::string> report_of_script(std::string_view target, std::string_view referrer);

// Whether the answer is shown as an HTML page, so that a navigation may get the script in it.
bool is_html_page(const ResponseHead& head, const ResponseFacts& facts);

}  // namespace hpp::proxyd
