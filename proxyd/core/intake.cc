#include "proxyd/core/intake.h"

#include <utility>

#include "proxyd/core/http/head.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/reload/variants.h"

namespace hpp::proxyd {
namespace {

std::optional<Notice> notice_of_script(const RequestHead& head) {
  auto report = report_of_script(head.target, find_field(head.fields, "Referer").value_or(""));
  if (!report) return std::nullopt;
  return Notice{.about = "Content-Security-Policy", .text = *std::move(report)};
}

}  // namespace

std::variant<Intake, RequestRefused> take_in(const RequestHead& head, const Peer& peer,
                                             const IntakeRules& rules, const std::string& host) {
  const auto refuse = [](const Refused& refused, RequestFacts facts) {
    return RequestRefused{
        .status = refused.status, .why = refused.why, .facts = facts, .allow = refused.allow};
  };
  const auto judged = judge_request(head);
  if (const auto* refused = std::get_if<Refused>(&judged)) {
    return refuse(*refused, facts_of_refused(head));
  }
  Intake intake{.facts = std::get<RequestFacts>(judged)};
  intake.facts.may_see_errors = may_see_errors(head, peer, rules.access);
  const Access access = access_of(head, peer, rules.access);
  intake.facts.is_from_here = access == Access::Full;
  auto own = judge_own(head, intake.facts, peer, rules.access);
  if (const auto* refused = std::get_if<Refused>(&own)) {
    RequestRefused answer = refuse(*refused, intake.facts);
    if (refused->status == 403) answer.notice = notice_for(head, peer, rules.access);
    return answer;
  }
  if (auto* asked = std::get_if<OwnRequest>(&own)) intake.own = std::move(*asked);
  if (intake.own && intake.own->endpoint == OwnEndpoint::LiveReloadScript) {
    intake.notice = notice_of_script(head);
  }
  if (rules.injects) intake.page = navigated_page(head);
  if (intake.page && access == Access::None) {
    intake.page.reset();
    intake.notice = notice_for(head, peer, rules.access);
  }
  intake.has_variants = rules.injects && access != Access::None && may_serve_navigation(head);
  const auto write = [&](const RequestHead& as_asked) {
    return write_request_head(as_asked, intake.facts, peer.ip, host);
  };
  if (intake.page) {
    intake.head = write(asking_for_plain(ConditionalHead(head, Variant::Tagged).get()));
  } else if (rules.injects) {
    intake.head = write(ConditionalHead(head, Variant::Plain).get());
  } else {
    intake.head = write(head);
  }
  return intake;
}

}  // namespace hpp::proxyd
