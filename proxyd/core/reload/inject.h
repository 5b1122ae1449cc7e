// Pure. Decides which pages our LiveReload script is added to (`--inject`), and what that changes
// in the heads of request and answer. Where in the page it goes: tag_inserter.h.
//
//   a request gets it in its answer   GET, no Range, and a browser says that its user navigates
//                                     to a document: Sec-Fetch-Dest and -Mode. A service worker
//                                     that passes a navigation on hides what it is for: the
//                                     destination is `empty`, and the mode is still `navigate`,
//                                     which a page's script cannot ask for. Where the browser sends
//                                     neither (plain http to another machine), Accept, and no
//                                     field of those that scripts send along
//   an answer to it                   shown as a page (2xx, 4xx, 5xx; not 206), text/html, has a
//                                     body, is not encoded, no download, may be transformed
//                                     (Cache-Control), and its Content-Security-Policy allows it
//
// All others, what scripts fetch above all, pass untouched. If an answer is a page but something
// keeps the script out, the log says so once per kind of obstacle, with what to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/reload/csp.h"

namespace hpp::proxyd {

// The page that a user navigates to with this request; nothing: it is another kind of request.
std::optional<Page> navigated_page(const RequestHead& head);

// The same request for bytes without a content coding: nothing can be added to others.
RequestHead asking_for_plain(RequestHead head);

// A reason why an answer that is otherwise a page goes without the script. The user wonders why the
// page does not reload, so each kind is logged once.
struct Obstacle {
  enum class Kind : std::uint8_t {
    Policy,       // Content-Security-Policy forbids the script
    Encoding,     // compressed, although the request asked for `identity`
    Charset,      // UTF-16 or the like, in which ASCII is not written in ASCII
    NoTransform,  // Cache-Control forbids any change
    NoType,       // no Content-Type: browsers guess, hpp does not
    Xhtml,        // one that is no HTML, although browsers show it as a page
  };

  Kind kind = Kind::Policy;
  std::string text;  // for a person: the reason, and what to do

  bool operator==(const Obstacle&) const = default;
};

constexpr std::size_t kObstacleKinds = 6;

// A page whose first bytes say that it is in UTF-16 (tag_inserter.h).
Obstacle utf16_obstacle();

struct Injection {
  std::string tag;  // to be added, of an even length; empty: the answer passes as it came
  std::optional<Obstacle> obstacle;  // nothing: it is no page, or gets the script

  bool operator==(const Injection&) const = default;
};

// For the answer to the request for `page`.
Injection judge_injection(const Page& page, const ResponseHead& head, const ResponseFacts& facts);

// A page has two variants at one URL: with the script, for a navigation, and as it came, for
// anything else. The copy with the script says what decides between them (Vary). Returns whether a
// 304 to a navigation replaces that: browsers update the copy's fields by those of the 304.
bool replaces_vary(const ResponseHead& head, const ResponseFacts& facts);

// Adds what decides between the variants. The result points into the text of `head`.
ResponseHead varying(ResponseHead head);

// The head of an answer whose body becomes `tag_size` bytes longer: what no longer holds is changed
// or left out. Points into the text of `head` and into itself.
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
