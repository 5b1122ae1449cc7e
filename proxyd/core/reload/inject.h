// Pure. Decides which pages get hpp's LiveReload script (`--inject`), and what that changes in the
// heads of request and answer. tag_inserter.h finds the script's place in the page.
//
//   The request must   be a GET without Range, and a navigation to a document. Browsers say that in
//                      Sec-Fetch-Dest and Sec-Fetch-Mode. If a service worker passes a navigation
//                      on, the destination is `empty`, but the mode is still `navigate`, which a
//                      page's script cannot set. If the browser sends neither field (plain http to
//                      another machine), Accept must prefer HTML, and there must be no field that
//                      scripts add to their requests.
//   The answer must    be shown as a page (2xx, 4xx or 5xx, but not 206), be text/html, have a
//                      body, have no content coding, not be a download, and allow changes
//                      (Cache-Control). Its Content-Security-Policy must allow the script.
//
// All other answers, above all those that scripts fetch, pass unchanged. If an answer is a page but
// cannot get the script, hpp logs the reason and a remedy, once per kind of obstacle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/reload/csp.h"

namespace hpp::proxyd {

// Returns the page that the user navigates to with this request; nothing if the request is not a
// navigation.
std::optional<Page> navigated_page(const RequestHead& head);

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

// A page has two variants at one URL: with the script for a navigation, and unchanged for any other
// request. The variant with the script names the deciding fields in Vary. Returns whether the
// answer is a 304 with a Vary of its own: a browser then replaces the Vary of its cached copy, so
// the 304 must name these fields, too.
bool replaces_vary(const ResponseHead& head, const ResponseFacts& facts);

// Returns the head with the deciding fields added to Vary. The result points into the text of
// `head`.
ResponseHead varying(ResponseHead head);

// The head of an answer whose body grows by `tag_size` bytes. Changes or removes the fields that
// describe the original body. Points into the text of `head` and into itself.
class TaggedHead {
 public:
  TaggedHead(const ResponseHead& head, const ResponseFacts& facts, std::size_t tag_size);
  TaggedHead(const TaggedHead&) = delete;
  TaggedHead& operator=(const TaggedHead&) = delete;

  const ResponseHead& get() const { return head_; }

 private:
  ResponseHead head_;
  std::string length_;
  std::string etag_;
};

}  // namespace hpp::proxyd
