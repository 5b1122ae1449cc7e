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

namespace hpp::supervisord {

// Connects to every address in turn until one accepts, sends a HEAD request and waits for anything
// that begins like an HTTP/1 response. One connection at a time, so that a backend with a single
// thread is not kept from its work, and each closed by a reset, so that no TIME_WAIT of ours or of
// a killed backend keeps its port from the next one.
class Probe {
 public:
  // What counts as an answer.
  enum class For { Response, Connection };

  struct Question {
    For wants = For::Response;
    std::string host;        // the Host header's value
    std::string path = "/";  // what is requested
  };

  // `on_answer` is called once per start(). `loop` must outlive the probe; it should have precise
  // timers.
  Probe(Loop& loop, std::vector<SocketAddress> addresses, const Question& question,
        std::function<void()> on_answer);

  void start();
  void stop();

 private:
  struct Attempt {
    UniqueFd fd;
    std::unique_ptr<FdWatch> over;
  };

  void begin_round();
  void on_connect_over(int fd);
  void talk(UniqueFd fd);
  void on_readable();
  void take(std::string_view bytes);
  void say_not_http();
  void try_again();
  void on_deadline();
  void hang_up();
  std::chrono::microseconds pause() const;

  Loop& loop_;
  std::vector<SocketAddress> addresses_;
  For wants_;
  std::string request_;
  std::function<void()> on_answer_;
  TimePoint started_;
  std::chrono::milliseconds answer_time_;
  std::vector<std::unique_ptr<Attempt>> attempts_;  // connects under way
  std::unique_ptr<Attempt> talk_;                   // the connection that was made
  std::string answer_;                              // what came on it, up to the end of the head
  bool answered_ = false;                           // on_answer was called; talk_ is let end
  bool not_http_told_ = false;
  Timer next_round_;
  Timer deadline_;
};

}  // namespace hpp::supervisord
