// Pure. Decides when to close a client's connection after its last answer.
//
// The client may still be sending, for example the rest of an upload that was refused. hpp reads
// and discards these bytes, because closing a socket with unread bytes sends a reset, which can
// destroy the answer before the client has read it (RFC 9112 §9.6). nginx does the same
// (lingering_close).
#pragma once

#include <chrono>
#include <optional>

#include "common/time_point.h"

namespace hpp::proxyd {

// How long a client may take to read the last answer.
constexpr std::chrono::milliseconds kFinishMax{60'000};
// How long the client may then send nothing before hpp closes the connection.
constexpr std::chrono::milliseconds kLingerMax{2'000};
// How long the client may continue to send in all.
constexpr std::chrono::milliseconds kLingerAllMax{30'000};

class Farewell {
 public:
  struct Facts {
    bool is_written = false;    // the last answer has been handed to the kernel
    bool has_sent = false;      // bytes have come from the client since the last call
    bool client_ended = false;  // the client's FIN has arrived
    bool all_is_read = false;   // there are no unread bytes, so a close would not send a reset
  };

  // `awaits_fin`: whether to wait for the client's FIN after the last answer.
  void begin(bool awaits_fin) { awaits_fin_ = awaits_fin; }

  bool awaits_fin() const { return awaits_fin_; }

  // Returns when to close the connection; nothing: at once. Must be called again when a fact
  // changes.
  std::optional<TimePoint> closes_at(const Facts& facts, TimePoint now);

 private:
  bool awaits_fin_ = true;
  bool is_begun_ = false;
  bool lingers_ = false;
  TimePoint closes_at_{};
  TimePoint latest_{};
};

}  // namespace hpp::proxyd
