// Fuzzes the parsing, judging and rewriting of heads. The input is the text of a head. It is passed
// to the request parser and to the response parser.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "proxyd/core/connection.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/rewrite.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/reference.h"

namespace hpp::proxyd {
namespace {

using fuzz::Arrived;
using fuzz::check;
using fuzz::check_same;

// The proxy adds up to this many fields to a request.
constexpr std::size_t kFieldsAdded = 8;

std::string describe(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) {
    text += '|' + std::to_string(static_cast<int>(field.known)) + ' ' + std::string(field.name) +
            '=' + std::string(field.value);
  }
  return text;
}

std::string describe(const RequestHead& head) {
  return std::string(head.method) + ' ' + std::string(head.target) + ' ' +
         std::to_string(head.minor) + describe(head.fields);
}

std::string describe(const ResponseHead& head) {
  return std::to_string(head.status) + ' ' + std::string(head.reason) + ' ' +
         std::to_string(head.minor) + describe(head.fields) +
         (head.defects.none() ? "" : " with defects");
}

// Returns a request for each kind of client that an answer may be written for.
std::vector<RequestFacts> possible_requests() {
  std::vector<RequestFacts> requests;
  for (const int minor : {0, 1}) {
    for (const bool is_head : {false, true}) {
      for (const bool keeps_alive : {false, true}) {
        requests.push_back({.minor = minor,
                            .is_head = is_head,
                            .is_safe = true,
                            .keeps_alive = keeps_alive,
                            .asks_upgrade = minor == 1 && keeps_alive});
      }
    }
  }
  return requests;
}

template <class Facts>
std::string describe(const std::variant<Facts, Refused>& judged) {
  if (const auto* refused = std::get_if<Refused>(&judged)) {
    return " refused " + std::to_string(refused->status) + ' ' + refused->why;
  }
  const auto& facts = std::get<Facts>(judged);
  return " accepted " + std::to_string(static_cast<int>(facts.framing)) + ' ' +
         std::to_string(facts.length) + ' ' + std::to_string(facts.keeps_alive);
}

std::string describe_judgement(const RequestHead& head) {
  return describe(judge_request(head));
}

std::string describe_judgement(const ResponseHead& head) {
  std::string text;
  for (const RequestFacts& request : possible_requests()) {
    text += describe(judge_response(head, request));
  }
  return text;
}

// Parses a text that arrives in pieces; `ends` are the ends of the pieces. Returns the first result
// as a text.
template <bool is_request>
std::string read(std::string_view text, const std::vector<std::size_t>& ends) {
  MessageParser<is_request> parser;
  parser.start();
  for (const std::size_t end : ends) {
    const Arrived arrived(text.substr(0, end));
    const HeadResult result = parser.read_head(arrived.text());
    // If there are several errors, the pieces decide which one is reported.
    if (std::holds_alternative<Refused>(result)) return "refused";
    if (const auto* head = std::get_if<HeadRead>(&result)) {
      check(head->size <= end, "a head is no longer than the text");
      return std::to_string(head->size) + ' ' + describe(parser.head()) +
             describe_judgement(parser.head());
    }
  }
  return "more";
}

template <bool is_request>
void read_in_every_way(std::string_view text) {
  const std::string whole = read<is_request>(text, {text.size()});
  check_same(whole, read<is_request>(text, fuzz::byte_by_byte(text.size())),
             "a head is the same byte by byte");
  for (const std::size_t split : fuzz::splits(text)) {
    check_same(whole, read<is_request>(text, {split, text.size()}), "a head is the same in two");
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return result;
}

// Parses `written` strictly, and checks that the result is equal to `head`, which the proxy's own
// parser has read.
template <class Head>
fuzz::PlainHead check_written(const std::string& written, const Head& head) {
  std::string_view rest = written;
  const auto plain = fuzz::take_head(rest);
  check(plain && rest.empty(), "a written head is valid", written);
  check(plain->fields.size() == head.fields.size(), "and has the same fields", written);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    check_same(plain->fields[i].first, lower(head.fields[i].name), "with the same names");
    check_same(plain->fields[i].second, head.fields[i].value, "with the same values");
  }
  for (const char* const name : {"keep-alive", "proxy-connection"}) {
    check(plain->count(name) == 0, "fields of the other connection are removed", written);
  }
  check(plain->count("content-length") + plain->count("transfer-encoding") <= 1,
        "there is one framing", written);
  check(plain->count("connection") <= 1, "there is at most one Connection", written);
  return *plain;
}

void check_request_fields(const fuzz::PlainHead& plain, const std::string& written) {
  check(fuzz::is_request_line(plain.start), "there is a request line", written);
  check(plain.count("host") == 1, "there is one Host", written);
  const std::string connection = plain.first("connection");
  check(connection.empty() || connection == "Upgrade" || connection == "TE" ||
            connection == "Upgrade, TE",
        "Connection describes the connection to the backend", written);
  check(plain.count("upgrade") == 0 || connection.starts_with("Upgrade"),
        "Upgrade is there if the connection says so", written);
  check(plain.count("te") == 0 || (plain.first("te") == "trailers" && connection.ends_with("TE")),
        "TE is the proxy's", written);
}

void check_request(const RequestHead& head, const RequestFacts& facts) {
  if (head.fields.size() + kFieldsAdded > kHeadFieldsMax) return;
  const std::string written = write_request_head(head, facts, "127.0.0.1", "localhost:8001");
  RequestParser parser;
  parser.start();
  const HeadResult result = parser.read_head(written);
  check(result == HeadResult(HeadRead{written.size()}), "a rewritten request is accepted", written);
  check_request_fields(check_written(written, parser.head()), written);
  check_same(parser.head().method, head.method, "the method stays");
  const std::string_view target = without_authority(head.target);
  check(parser.head().target.ends_with(target), "the target loses its authority alone", written);
  const auto judged = judge_request(parser.head());
  const auto* again = std::get_if<RequestFacts>(&judged);
  check(again != nullptr, "a rewritten request is judged acceptable", written);
  check(again->framing == facts.framing && again->length == facts.length, "its framing stays",
        written);
  check(again->is_head == facts.is_head && again->is_safe == facts.is_safe &&
            again->asks_upgrade == facts.asks_upgrade &&
            again->accepts_trailers == facts.accepts_trailers && again->keeps_alive,
        "and so do its other facts", written);
}

// Returns how the connection would deliver the answer.
Delivery delivery_of(const ResponseFacts& facts, const RequestFacts& request) {
  Connection connection;
  static_cast<void>(connection.on(RequestArrived{request}, {}));
  static_cast<void>(connection.on(Judged{.decision = Decision::Forward, .generation = 1}, {}));
  Delivery delivery;
  for (const Effect& effect : connection.on(ResponseArrived{facts}, {})) {
    if (const auto* pass = std::get_if<PassResponseHead>(&effect)) delivery = pass->delivery;
  }
  return delivery;
}

Framing framing_for(const ResponseFacts& facts, const Delivery& delivery) {
  if (delivery.coding == Delivery::Coding::Chunk) return Framing::Chunked;
  if (delivery.coding == Delivery::Coding::Dechunk) return Framing::UntilClose;
  return facts.framing;
}

void check_response(const ResponseHead& head, const ResponseFacts& facts,
                    const RequestFacts& request) {
  if (head.fields.size() + kFieldsAdded > kHeadFieldsMax) return;
  const Delivery delivery = delivery_of(facts, request);
  const std::string written = write_response_head(head, facts, request, delivery);
  ResponseParser parser;
  parser.start();
  const HeadResult result = parser.read_head(written);
  check(result == HeadResult(HeadRead{written.size()}), "a rewritten answer is accepted", written);
  check(parser.head().defects.none(), "a rewritten answer has no defect", written);
  const fuzz::PlainHead plain = check_written(written, parser.head());
  check(fuzz::status_of(plain.start) == facts.status, "the status stays", written);
  check_same(parser.head().reason, head.reason, "the reason stays");
  check(plain.count("te") == 0, "TE is no field of an answer", written);
  check(request.minor >= 1 || plain.count("transfer-encoding") == 0,
        "there is no Transfer-Encoding in HTTP/1.0", written);
  const auto judged = judge_response(parser.head(), request);
  const auto* again = std::get_if<ResponseFacts>(&judged);
  check(again != nullptr, "a rewritten answer is judged acceptable", written);
  check(again->defects.none(), "its framing has no defect", written);
  check(again->framing == framing_for(facts, delivery), "its framing is as it is delivered",
        written);
  check(again->length == facts.length || again->framing != Framing::Length, "its length stays",
        written);
  if (facts.is_interim() || facts.status == 101) return;
  check(delivery.closes || again->framing != Framing::UntilClose,
        "a body until the close needs a close", written);
  check(again->keeps_alive == !delivery.closes, "it says whether the connection closes", written);
}

void check_head(const RequestHead& head) {
  const auto judged = judge_request(head);
  if (const auto* facts = std::get_if<RequestFacts>(&judged)) check_request(head, *facts);
}

// Checks that the lenient second parser reads the same. For requests there is only the strict one.
void check_reading(std::string_view, const RequestHead&) {}

void check_reading(std::string_view text, const ResponseHead& head) {
  std::string_view rest = text;
  const auto plain = fuzz::take_head(rest, fuzz::Author::Backend);
  if (!plain) return;  // the head's codings are refused when it is judged
  check(fuzz::status_of(plain->start, fuzz::Author::Backend) == head.status, "the same status",
        text);
  check(plain->fields.size() == head.fields.size(), "as many fields", text);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    check_same(plain->fields[i].first, lower(head.fields[i].name), "the same names");
    check_same(plain->fields[i].second, head.fields[i].value, "the same values");
  }
}

void check_head(const ResponseHead& head) {
  for (const RequestFacts& request : possible_requests()) {
    const auto judged = judge_response(head, request);
    const auto* facts = std::get_if<ResponseFacts>(&judged);
    if (facts != nullptr) check_response(head, *facts, request);
  }
}

template <bool is_request>
void run(std::string_view text) {
  read_in_every_way<is_request>(text);
  MessageParser<is_request> parser;
  parser.start();
  const HeadResult result = parser.read_head(text);
  if (!std::holds_alternative<HeadRead>(result)) return;
  check_reading(text, parser.head());
  check_head(parser.head());
}

}  // namespace
}  // namespace hpp::proxyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  hpp::proxyd::run<true>(text);
  hpp::proxyd::run<false>(text);
  return 0;
}
