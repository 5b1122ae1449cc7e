// A fake Watchman. It speaks the real PDUs, and behaves like 4.9, see docs/architecture.rst.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tests/sim/files.h"
#include "tests/sim/world.h"

namespace hpp::sim {

class Watchman {
 public:
  Watchman(World& world, Files& files) : world_(world), files_(files) {
    files_.on_change.emplace_back([this] { on_change(); });
  }

  // ---- for watchd's shell ----

  bool is_up() const { return is_up_; }

  // Ends the previous connection, if there is one, and makes a new one. Returns false if Watchman
  // is down.
  bool connect();
  void send(const std::string& pdu);
  void disconnect();

  // PDUs, and the end of the connection, in order. Never called from within the functions above.
  std::function<void(const std::string& pdu)> on_pdu;
  std::function<void(const char* why)> on_end;

  // ---- faults ----

  void break_connection(const char* why);
  void restart(Micros down_for);
  void hang(Micros how_long);
  void cancel();

 private:
  using Json = nlohmann::json;

  void on_change();
  void notice(std::uint64_t tick);
  void settle_soon();
  void push_pending();
  void handle(const Json& question);
  void flush(const Json& question, std::uint64_t tick);
  void answer(const Json& json);
  void while_awake(std::function<void()> act);
  std::string clock_at(std::uint64_t tick) const;
  std::uint64_t tick_of_answer(std::uint64_t since);
  Json files_since(std::uint64_t tick) const;

  World& world_;
  Files& files_;
  bool is_up_ = true;
  std::uint64_t instance_ = 1;
  std::uint64_t connection_ = 0;  // grows when a connection begins or ends
  bool is_connected_ = false;
  TimePoint awake_at_{};        // end of the current hang
  bool is_crawled_ = false;     // the root was read once
  std::uint64_t noticed_ = 0;   // newest tick that inotify has reported
  std::uint64_t settling_ = 0;  // number of the newest wait for 20 ms without a change
  bool is_subscribed_ = false;
  std::uint64_t told_ = 0;   // newest tick that was reported to the subscription
  TimePoint to_watchd_{};    // when the newest PDU arrives at watchd
  TimePoint from_watchd_{};  // when watchd's newest PDU arrives
};

}  // namespace hpp::sim
