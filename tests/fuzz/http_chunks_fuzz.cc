// Fuzzes the framing of chunked bodies. The input is the text after the head.
#include <algorithm>
#include <cstdint>
#include <string>

#include "proxyd/core/http/body.h"
#include "proxyd/core/http/parser.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/reference.h"

namespace hpp::proxyd {
namespace {

using fuzz::Arrived;
using fuzz::check;
using fuzz::check_same;

// The result of passing a body through a framer.
struct Passed {
  std::string bytes;
  std::size_t taken = 0;  // bytes passed or dropped
  bool is_over = false;
  bool is_broken = false;

  std::string describe() const {
    const char* const word = is_over ? "over" : is_broken ? "broken" : "more";
    return std::string(word) + ' ' + std::to_string(taken) + '\n' + bytes;
  }
};

std::string_view head_of(RequestParser&) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
}

std::string_view head_of(ResponseParser&) {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
}

// Performs all steps of the framer that are possible with the text `there`. Returns false if the
// body is over or broken.
template <bool is_request>
bool advance(BodyFramer<is_request>& body, std::string_view there, Passed& passed) {
  for (;;) {
    const Arrived arrived(there.substr(passed.taken));
    const BodyStep step = body.next(arrived.text());
    check(step.size <= arrived.text().size(), "a step is no longer than the text");
    switch (step.kind) {
      case BodyStep::Kind::Replace:
        check(step.size > 0 && !step.text.empty(), "a replacement has an old and a new text");
        passed.bytes += step.text;
        passed.taken += step.size;
        break;
      case BodyStep::Kind::Pass:
        passed.bytes += arrived.text().substr(0, step.size);
        [[fallthrough]];
      case BodyStep::Kind::Drop:
        check(step.size > 0, "a step takes at least one byte");
        passed.taken += step.size;
        break;
      case BodyStep::Kind::NeedMore:
        return true;
      case BodyStep::Kind::Over:
        passed.is_over = true;
        return false;
      case BodyStep::Kind::Broken:
        check(!body.error().empty(), "a refusal has a reason");
        passed.is_broken = true;
        return false;
    }
  }
}

// Passes a body that arrives in pieces; `ends` are the ends of the pieces.
template <bool is_request>
Passed pass(std::string_view text, const std::vector<std::size_t>& ends, bool keep_framing) {
  MessageParser<is_request> parser;
  parser.start();
  check(std::holds_alternative<HeadRead>(parser.read_head(head_of(parser))), "the head is read");
  BodyFramer<is_request> body(parser);
  body.begin(Framing::Chunked, 0, keep_framing);
  Passed passed;
  for (const std::size_t end : ends) {
    if (!advance(body, text.substr(0, end), passed)) break;
  }
  check(body.may_end_by_close() == passed.is_over, "no close ends a chunked body");
  return passed;
}

template <bool is_request>
Passed pass_in_every_way(std::string_view text, bool keep_framing) {
  const Passed whole = pass<is_request>(text, {text.size()}, keep_framing);
  check_same(whole.describe(),
             pass<is_request>(text, fuzz::byte_by_byte(text.size()), keep_framing).describe(),
             "a body is the same byte by byte");
  for (const std::size_t split : fuzz::splits(text)) {
    check_same(whole.describe(),
               pass<is_request>(text, {split, text.size()}, keep_framing).describe(),
               "a body is the same in two");
  }
  return whole;
}

// `kept` and `dropped` are the same body, passed with its framing and without it.
void check_against_reference(std::string_view text, const Passed& kept, const Passed& dropped,
                             fuzz::Author author) {
  check(kept.taken == dropped.taken && kept.is_over == dropped.is_over &&
            kept.is_broken == dropped.is_broken,
        "keeping the framing changes nothing else");
  if (kept.is_broken) return;
  std::string_view rest = text;
  const fuzz::PlainBody plain = fuzz::take_chunks(rest, author);
  check_same(dropped.bytes, plain.payload, "the second parser finds the same payload");
  if (!kept.is_over) return;
  check(plain.is_over, "the second parser accepts the body, too");
  check(text.size() - rest.size() == kept.taken, "and finds the same end");
}

// Checks that the client's body is valid, even if the backend's is not.
void check_corrected(const Passed& kept, const Passed& dropped) {
  std::string_view rest = kept.bytes;
  const fuzz::PlainBody plain = fuzz::take_chunks(rest);
  check(!plain.is_broken && plain.is_over == kept.is_over,
        "a strict parser accepts the passed body", kept.bytes);
  check_same(dropped.bytes, plain.payload, "and finds the same payload");
}

}  // namespace
}  // namespace hpp::proxyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hpp::proxyd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  const Passed request = pass_in_every_way<true>(text, true);
  check_against_reference(text, request, pass_in_every_way<true>(text, false),
                          hpp::fuzz::Author::Proxy);
  check_same(request.bytes, text.substr(0, request.taken), "a request is passed unchanged");
  const Passed answer = pass_in_every_way<false>(text, true);
  const Passed payload = pass_in_every_way<false>(text, false);
  check_against_reference(text, answer, payload, hpp::fuzz::Author::Backend);
  check_corrected(answer, payload);
  if (request.is_over) {
    check_same(answer.describe(), request.describe(), "a valid answer is passed unchanged");
  }
  return 0;
}
