// Shell. Owns the ping: asks the backend for an HTTP answer until it gives one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/socket_address.h"
#include "supervisord/core/events.h"
#include "supervisord/listener_owner.h"

namespace hpp::supervisord {

// Connects to every address in turn until one accepts, sends a HEAD request and waits for anything
// that begins like an HTTP/1 response; if a connection brings none, GET and HEAD take turns. One
// connection at a time, so that a backend with a single thread is not kept from its work, and each
// closed by a reset, so that no TIME_WAIT of ours or of a killed backend keeps its port from the
// next one.
//
// An address where a stranger listens is left out: it gets one connection without a request, by
// which it is found, unless start() wants its answer.
class Probe {
 public:
  // What counts as an answer.
  enum class For { Response, Connection };

  struct Question {
    For wants = For::Response;
    std::string host;        // the Host header's value
    std::string path = "/";  // what is requested
  };

  struct Answer {
    SocketAddress from;
    std::string stranger;  // Owner::who; empty: the tree's, or unknown
  };

  struct Handlers {
    std::function<Owner(const SocketAddress&)> owner_of;
    std::function<void(const Answer&)> on_answer;  // once per start() or start_instead()
    // After each round in which strangers accept connections, and no process of the tree does.
    std::function<void(const std::string& who)> on_stranger;
    // The reason why there is no answer yet, whenever it has changed: first after half a second,
    // and then at most twice a second.
    std::function<void(const Sight&)> on_sight;
  };

  // `loop` must outlive the probe; it should have precise timers.
  Probe(Loop& loop, std::vector<SocketAddress> addresses, const Question& question,
        Handlers handlers);

  // Asks the tree; with `strangers`, a stranger if no process of the tree accepts.
  void start(bool strangers = false);

  // Asks the tree, without hurry, while a stranger's answers count. The connection that gave the
  // last answer may end in order.
  void start_instead();

  void stop();

 private:
  struct Attempt {
    UniqueFd fd;
    SocketAddress address;
    std::unique_ptr<FdWatch> over;
  };

  void begin(bool strangers);
  void begin_round();
  void end_round();
  void ask_stranger();
  bool is_strangers(const SocketAddress& address);
  void on_connect_over(int fd);
  void talk(UniqueFd fd, const SocketAddress& address);
  void on_readable();
  void take(std::string_view bytes);
  void say_not_http();
  void fail(Sight::Is is);
  bool asks_for_body() const;
  void see(Sight sight);
  void see_talk(Sight::Is is);
  void tell_sight();
  void on_deadline();
  void hang_up();
  std::chrono::microseconds pause() const;

  Loop& loop_;
  std::vector<SocketAddress> addresses_;
  For wants_;
  std::string request_;  // without its method
  Handlers handlers_;
  TimePoint started_;
  std::chrono::milliseconds answer_time_;
  std::vector<std::unique_ptr<Attempt>> attempts_;  // connects under way
  std::unique_ptr<Attempt> talk_;                   // the connection that was made
  std::string answer_;                              // what came on it, up to the end of the head
  bool has_head_ = false;                           // the answer's head is complete
  bool answered_ = false;                           // on_answer was called; talk_ is let end
  bool not_http_told_ = false;
  bool takes_strangers_ = false;
  bool is_patient_ = false;    // start_instead()
  bool met_stranger_ = false;  // since start(): addresses are judged before they are connected to
  std::string stranger_;       // the first one of this round; while it talks, the one talked to
  SocketAddress strangers_address_;
  int failures_ = 0;  // since start(): connections that brought no answer
  Sight sight_;
  Sight told_sight_;
  Timer next_round_;
  Timer deadline_;
  Timer next_sight_;
};

}  // namespace hpp::supervisord
