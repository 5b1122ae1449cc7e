#include "proxyd/core/kept_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "proxyd/core/http/body.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

KeptFields copies_of(const std::vector<Field>& fields) {
  KeptFields copies;
  for (const Field& field : fields) copies.emplace_back(field.name, field.value);
  return copies;
}

// Removes the framing of a body. `parser` has read the head. Nothing: the body is incomplete.
template <bool is_request>
std::optional<std::string> content_of(std::string_view body, MessageParser<is_request>& parser,
                                      Framing framing, std::uint64_t length) {
  BodyFramer<is_request> framer(parser);
  framer.begin(framing, length, /*keep_framing=*/false);
  std::string content;
  for (;;) {
    const BodyStep step = framer.next(body);
    switch (step.kind) {
      case BodyStep::Kind::Pass:
        content += body.substr(0, step.size);
        break;
      case BodyStep::Kind::Replace:
        content += step.text;
        break;
      case BodyStep::Kind::Drop:
        break;
      case BodyStep::Kind::Over:
        return content;
      case BodyStep::Kind::NeedMore:
        if (framer.may_end_by_close()) return content;
        return std::nullopt;
      case BodyStep::Kind::Broken:
        return std::nullopt;
    }
    body.remove_prefix(step.size);
  }
}

}  // namespace

KeptRequest read_kept(const RequestRecord& record) {
  KeptRequest request;
  RequestParser parser;
  parser.start();
  if (!std::holds_alternative<HeadRead>(parser.read_head(record.head))) return request;
  const RequestHead& head = parser.head();
  request.method = head.method;
  request.target = without_authority(head.target);
  request.host = find_field(head.fields, "Host").value_or("");
  request.minor = head.minor;
  request.fields = copies_of(head.fields);
  const auto judged = judge_request(head);
  const auto* const facts = std::get_if<RequestFacts>(&judged);
  if (facts == nullptr || !record.body.is_whole()) return request;
  auto body = content_of<true>(record.body.text(), parser, facts->framing, facts->length);
  request.can_be_sent = body && !facts->asks_upgrade;
  request.body = std::move(body).value_or("");
  return request;
}

KeptAnswer read_kept_answer(const RequestRecord& record) {
  KeptAnswer answer;
  ResponseParser parser;
  parser.start();
  if (!std::holds_alternative<HeadRead>(parser.read_head(record.answer))) return answer;
  answer.minor = parser.head().minor;
  answer.reason = parser.head().reason;
  answer.fields = copies_of(parser.head().fields);
  const ResponseFacts& facts = record.answer_facts;
  const bool is_complete =
      record.end == RequestRecord::End::Completed || facts.framing == Framing::None;
  if (!is_complete) return answer;
  if (record.answer_body.is_whole()) {
    answer.body = content_of<false>(record.answer_body.text(), parser, facts.framing, facts.length);
  }
  if (answer.body) {
    answer.size = answer.body->size();
  } else if (facts.framing == Framing::Length) {
    answer.size = facts.length;
  }
  return answer;
}

bool is_about_connection(std::string_view name) {
  using enum FieldName;
  constexpr std::array kNames{Connection, ContentLength,    Expect, KeepAlive, ProxyConnection, TE,
                              Trailer,    TransferEncoding, Upgrade};
  return std::find(kNames.begin(), kNames.end(), known_name(name)) != kNames.end();
}

bool announces_body(const KeptRequest& request) {
  return std::any_of(request.fields.begin(), request.fields.end(), [](const auto& field) {
    const FieldName name = known_name(field.first);
    return name == FieldName::ContentLength || name == FieldName::TransferEncoding;
  });
}

std::string message_of(const KeptRequest& request) {
  const std::string target = request.target.empty() ? "/" : request.target;
  std::string message = fmt::format("{} {} HTTP/1.{}\r\n", request.method, target, request.minor);
  for (const auto& [name, value] : request.fields) {
    if (!is_about_connection(name)) message += fmt::format("{}: {}\r\n", name, value);
  }
  if (announces_body(request))
    message += fmt::format("Content-Length: {}\r\n", request.body.size());
  return message + "Connection: close\r\n\r\n" + request.body;
}

}  // namespace hpp::proxyd
