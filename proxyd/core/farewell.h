// Pure. How long a client's connection lasts after its last answer was given.
//
// The client may still be sending, for example the rest of an upload that was refused. hpp reads
// that and throws it away, because a close with unread bytes is a reset, which can destroy the
// answer before the client has read it (RFC 9112 §9.6). nginx does the same (lingering_close).
#pragma once

#include <chrono>
#include <optional>

namespace hpp::proxyd {

// How long a client may take to read the last answer.
constexpr std::chrono::milliseconds kFinishMax{60'000};
// How long it may then pause before it closes.
constexpr std::chrono::milliseconds kLingerMax{2'000};
// How long it may go on sending in all.
constexpr std::chrono::milliseconds kLingerAllMax{30'000};

class Farewell {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Facts {
    bool is_written = false;    // the last answer has been handed to the kernel
    bool has_sent = false;      // bytes have come from the client since the last call
    bool client_ended = false;  // its FIN has come
    bool all_is_read = false;   // nothing that it has sent is unread: a close would be no reset
  };

  // `awaits_fin`: after the last answer the client's FIN is waited for.
  void begin(bool awaits_fin) { awaits_fin_ = awaits_fin; }

  bool awaits_fin() const { return awaits_fin_; }

  // When to close, as of now; nothing: at once.
  std::optional<TimePoint> closes_at(const Facts& facts, TimePoint now);

 private:
  bool awaits_fin_ = true;
  bool is_begun_ = false;
  bool lingers_ = false;
  TimePoint closes_at_{};
  TimePoint latest_{};
};

}  // namespace hpp::proxyd
