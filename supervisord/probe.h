// Shell. Owns the readiness probe: sends requests to the backend until one is answered.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/peer_sockets.h"
#include "common/os/socket_address.h"
#include "supervisord/core/events.h"
#include "supervisord/listener_owner.h"
#include "supervisord/sight_report.h"

namespace hpp::supervisord {

// Connects to each address in turn until one accepts, sends a HEAD request and waits for anything
// that begins like an HTTP/1 response. If a connection brings no answer, the next one sends GET,
// then HEAD again, and so on. If the server reads both requests and closes the connections, that
// counts as an answer, because a WebSocket server may close each connection that does not begin
// with its handshake. A reset does not count: it comes from a relay whose target does not listen
// yet, such as the proxy of a container.
//
// The probe keeps only one connection open at a time, so that it does not block a backend with a
// single thread. It resets only connections on which it has given up waiting for an answer, which
// includes that the backend is killed, and connections that no process has open at the other end. A
// reset could end a server that does not handle errors of its connections. A FIN after that of the
// backend, however, could leave a TIME_WAIT on the port that the next backend binds.
//
// The probe skips an address on which a stranger listens. To detect the stranger, it makes one
// connection without a request. With start(true) it may send the stranger a request as well.
class Probe {
 public:
  // The event that counts as an answer.
  enum class For { Response, Connection };

  struct Question {
    For wants = For::Response;
    std::string host;        // the Host header's value
    std::string path = "/";  // the request's path
  };

  struct Answer {
    SocketAddress from;
    bool is_response = true;  // false: the server read HEAD and GET, and closed the connections
    std::string stranger;     // Owner::who; empty if the tree answered, or if the owner is unknown
  };

  struct Handlers {
    std::function<Owner(const SocketAddress&)> owner_of;
    std::function<void(const Answer&)> on_answer;  // once per start() or start_instead()
    // Called after each round in which a stranger accepted a connection, but no process of the tree
    // did.
    std::function<void()> on_stranger;
    // Why there is no answer yet. Both are called as SightReport says, after start().
    SightReport::OnSight on_sight;
    SightReport::OnSight on_late;
  };

  // `loop` must outlive the probe; it should have precise timers.
  Probe(Loop& loop, std::vector<SocketAddress> addresses, const Question& question,
        Handlers handlers);

  // Probes until there is an answer. With `strangers`, asks a stranger if no process of the tree
  // accepts.
  void start(bool strangers = false);

  // Probes the tree at long intervals, for use while a stranger's responses are passed on. Does not
  // cut the connection that gave the last answer.
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
  void log_not_http();
  void on_end(bool is_reset);
  void part();
  void look_at_ended();
  void close_ended();
  void fail(Sight::Is is);
  void retry();
  bool asks_for_body() const;
  void see_talk(Sight::Is is);
  void on_deadline();
  void hang_up();
  std::chrono::microseconds pause() const;

  Loop& loop_;
  std::vector<SocketAddress> addresses_;
  For wants_;
  std::string request_;  // the request without its method
  Handlers handlers_;
  TimePoint started_;
  std::chrono::milliseconds answer_time_;
  std::vector<std::unique_ptr<Attempt>> attempts_;  // connects in progress
  std::unique_ptr<Attempt> talk_;                   // the established connection
  UniqueFd ended_;                                  // a connection that the server has ended
  std::chrono::milliseconds ended_for_{};           // the last wait of next_look_
  PeerSockets peers_;
  std::string answer_;      // bytes received on talk_, at least its head
  bool has_head_ = false;   // the answer's head is complete
  bool answered_ = false;   // on_answer was called; talk_ may still end
  bool has_ended_ = false;  // talk_ has ended on our side
  bool not_http_logged_ = false;
  bool takes_strangers_ = false;
  bool is_patient_ = false;  // start_instead() was called
  // A stranger was found since start(): owners are checked before connecting, too.
  bool met_stranger_ = false;
  std::string stranger_;  // the first stranger of this round, or the one that talk_ leads to
  SocketAddress strangers_address_;
  int failures_ = 0;  // connections since start() that brought no answer
  int closes_ = 0;    // the last of them that the server closed after it had read the request
  SightReport report_;
  Timer next_round_;
  Timer deadline_;
  Timer next_look_;
};

}  // namespace hpp::supervisord
