// Pure. Keeps the two variants of a page apart in the caches of browsers.
//
// With --inject, a navigation gets a page with hpp's script, and any other request to the same URL
// gets the page unchanged (inject.h). The backend knows only the unchanged page, and would confirm
// a copy of either variant with a 304. A navigation that uses a copy without the script shows a
// page that does not reload.
//
//   ETag               The page with the script gets the backend's tag with a mark, and weak,
//                      because the body is not the backend's (RFC 9110 §8.8.3): `"v1"` becomes
//                      `W/"v1-hpp"`. A 304 for such a copy gets the mark, too. A value that is no
//                      entity tag is removed.
//   If-None-Match      A navigation keeps only tags with a mark, and the backend gets them without
//                      it. Other requests keep only tags without a mark.
//   If-Modified-Since  does not say which variant the client has. A navigation keeps it only beside
//                      a tag with a mark. Other requests lose it together with such a tag.
//   Vary               Both variants name the fields that decide, so that a browser does not use
//                      one for the other.
//
// If-Match and If-Range stay as they are: they compare strongly, so a weak tag never matches.
#pragma once

#include <cstddef>
#include <string>

#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/response_parser.h"

namespace hpp::proxyd {

enum class Variant {
  Tagged,  // with hpp's script
  Plain,   // unchanged
};

// The head of a request whose conditions are only about the variant that it gets. Points into the
// text of `head` and into itself.
class ConditionalHead {
 public:
  ConditionalHead(const RequestHead& head, Variant variant);
  ConditionalHead(const ConditionalHead&) = delete;
  ConditionalHead& operator=(const ConditionalHead&) = delete;

  const RequestHead& get() const { return head_; }

 private:
  RequestHead head_;
  std::string none_match_;
};

// The head of an answer with the script, or of a 304 for a copy of such an answer. Points into the
// text of `head` and into itself.
class TaggedHead {
 public:
  // The body grows by `tag_size` bytes. Changes or removes the fields that describe the original
  // body.
  TaggedHead(const ResponseHead& head, const ResponseFacts& facts, std::size_t tag_size);

  // `head`: of a 304.
  explicit TaggedHead(const ResponseHead& head);

  TaggedHead(const TaggedHead&) = delete;
  TaggedHead& operator=(const TaggedHead&) = delete;

  const ResponseHead& get() const { return head_; }

 private:
  void mark_entity_tag();

  ResponseHead head_;
  std::string length_;
  std::string etag_;
};

// Returns the head of an unchanged answer, with the deciding fields in Vary if a navigation would
// get the script. Points into the text of `head`.
ResponseHead plain_variant(ResponseHead head, const ResponseFacts& facts);

}  // namespace hpp::proxyd
