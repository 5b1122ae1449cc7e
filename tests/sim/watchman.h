// A fake Watchman: speaks the real PDUs, as docs/architecture.rst says that 4.9 behaves.
#pragma once

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
    files_.on_change = [this] { on_change(); };
  }

  // ---- what watchd's shell does ----

  bool is_up() const { return is_up_; }

  // Returns whether somebody answers. Ends the connection that was.
  bool connect();
  void send(const std::string& pdu);
  void disconnect();

  // What comes of it, in order; never from within the calls above.
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
  std::uint64_t connection_ = 0;  // counts them, ends included
  bool is_connected_ = false;
  TimePoint awake_at_{};
  bool is_crawled_ = false;
  std::uint64_t noticed_ = 0;  // the newest tick that inotify has told of
  std::uint64_t settling_ = 0;
  bool is_subscribed_ = false;
  std::uint64_t told_ = 0;  // the subscription knows all up to that tick
  TimePoint to_watchd_{};   // when the newest PDU arrives there
  TimePoint from_watchd_{};
};

}  // namespace hpp::sim
