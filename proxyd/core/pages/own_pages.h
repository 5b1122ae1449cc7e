// Pure. The answers of hpp's own endpoints (own_endpoints.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/bus/messages.h"
#include "proxyd/core/events.h"
#include "proxyd/core/history.h"
#include "proxyd/core/http/answer_defects.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/own_answer.h"
#include "proxyd/core/pages/output_lines.h"
#include "proxyd/core/pages/requests.h"
#include "proxyd/core/request_records.h"

namespace hpp::proxyd {

// The state of proxyd that the endpoints show.
struct Knowledge {
  const std::optional<bus::TreeState>& tree;        // nothing: watchd has not reported yet
  const std::optional<bus::BackendState>& backend;  // nothing: supervisord has not reported yet
  const bus::ProxyState& proxy;
  const History& history;
  const DefectRecord& defects;
  const RequestRecords& records;
  const OutputLines& output;
  Moment now = {};
  std::string_view url = {};    // `http://localhost:8000`, where this proxy listens
  std::string_view nonce = {};  // random, for one page
};

// The endpoint must not be LiveReload, whose connection becomes a WebSocket instead, or OpenEditor.
// Wait: 200 if the backend runs and serves the newest files; 503 with the reason if it does not, or
// if hpp cannot tell because the watcher has a problem.
//
// An action must be performed before: `records` then says which requests are repeated.
OwnAnswer endpoint_answer(const AnswerOwn& asked, const RequestFacts& request,
                          const Knowledge& knowledge);

}  // namespace hpp::proxyd
