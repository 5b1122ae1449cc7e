// Pure. One backend that requests can go to: the state of proxyd that exists once per backend.
//
// A second backend would be a second Target, between which the intake (intake.h) would choose. The
// barrier exists only once, beside the gates, because a ticket asks about all files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "common/bus/messages.h"
#include "proxyd/core/crash_requests.h"
#include "proxyd/core/gate.h"
#include "proxyd/core/history.h"
#include "proxyd/core/http/answer_defects.h"

namespace hpp::proxyd {

using ConnectionId = std::uint64_t;  // a client connection; 0: none

struct Target {
  Gate gate;
  std::size_t queue_limit = 0;                    // how many requests may wait
  std::map<std::uint64_t, ConnectionId> queue{};  // the requests that wait, by order of arrival
  std::string host{};                             // `localhost:8001`: for requests without a Host
  History history{};                              // the newest starts
  DefectRecord defects{};                         // the defects of its answers
  CrashRequests crash_requests{};                 // the requests that it had when it crashed

  void on(const bus::BackendState& backend) {
    gate.on(backend);
    history.on(backend);
  }
};

}  // namespace hpp::proxyd
