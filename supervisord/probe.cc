#include "supervisord/probe.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/log.h"
#include "config.h"

namespace hpp::supervisord {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// The pause between two rounds grows with the time since start(), so that the delay that it adds
// stays a small share of the time that the developer waits anyway.
constexpr microseconds kPauseMin{1'000};
constexpr microseconds kPauseMax{10'000};
constexpr int kPauseShare = 500;
// The pause after a connection that ended without an answer. It is longer, because the server may
// print a traceback for each connection. It is also a share of the time since start(), because the
// listener may be the proxy of a container in which nothing listens yet.
constexpr milliseconds kFailurePauseMin{5};
constexpr milliseconds kFailurePauseMax{500};
constexpr int kFailurePauseShare = 10;
// The pause while a stranger listens, because each round reads /proc.
constexpr milliseconds kStrangerPause{50};
// The pause after start_instead().
constexpr milliseconds kPatientPause{500};
// A connect that neither succeeds nor fails within this time (a firewall, another machine) is
// started again.
constexpr milliseconds kConnectTime{250};
// Timeout for an answer. The backend may have lost the connection, or it may need long for its
// first answer (Django imports the project). The timeout doubles with each attempt, so that a
// backend that always answers slowly is recognized in the end.
constexpr milliseconds kAnswerTime{10'000};
// How long the backend may take to close the connection after its answer before we close it. The
// second limit is for GET, because a body takes longer.
constexpr milliseconds kLingerTime{50};
constexpr milliseconds kBodyTime{1'000};
// A server that closes connections without a response has got HEAD and GET by then.
constexpr int kClosesForAnswer = 2;
// Sight::beginning has at most this many bytes of an answer that is not HTTP.
constexpr std::size_t kBeginningShownMax = 32;
// The longest head that is read to its end.
constexpr std::size_t kHeadMax = 64 * 1024;

constexpr std::string_view kBeginning = "HTTP/1.";

// On loopback, a connect has finished before the call returns.
bool is_over(int fd) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

Probe::Probe(Loop& loop, std::vector<SocketAddress> addresses, const Question& question,
             Handlers handlers)
    : loop_(loop),
      addresses_(std::move(addresses)),
      wants_(question.wants),
      request_(fmt::format(" {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: hpp/{}\r\n"
                           "Accept: */*\r\nConnection: close\r\n\r\n",
                           question.path, question.host, HPP_VERSION)),
      handlers_(std::move(handlers)),
      answer_time_(kAnswerTime),
      report_(loop, handlers_.on_sight, handlers_.on_late),
      next_round_(loop, [this] { begin_round(); }),
      deadline_(loop, [this] { on_deadline(); }),
      next_look_(loop, [this] { look_at_ended(); }) {}

void Probe::start(bool strangers) {
  stop();
  begin(strangers);
  report_.start(/*may_be_late=*/!strangers);
  begin_round();
}

void Probe::start_instead() {
  begin(false);
  is_patient_ = met_stranger_ = true;
  next_round_.start(kPatientPause);
}

void Probe::begin(bool strangers) {
  started_ = std::chrono::steady_clock::now();
  answer_time_ = kAnswerTime;
  failures_ = closes_ = 0;
  not_http_logged_ = false;
  takes_strangers_ = strangers;
  is_patient_ = false;
  met_stranger_ = strangers;
}

void Probe::stop() {
  next_round_.stop();
  report_.stop();
  next_look_.stop();
  ended_.reset();
  hang_up();
}

void Probe::begin_round() {
  hang_up();
  stranger_.clear();
  for (const SocketAddress& address : addresses_) {
    if (met_stranger_ && is_strangers(address)) continue;
    ConnectAttempt attempt = start_connect(address);
    if (!attempt.fd.is_open() || attempt.error != 0) continue;
    const int fd = attempt.fd.get();
    reset_on_close(fd);
    if (is_over(fd)) {
      if (connect_error(fd) != 0) continue;
      if (is_strangers(address)) {
        reset_on_close(fd, false);
        continue;
      }
      stranger_.clear();
      return talk(std::move(attempt.fd), address);
    }
    auto under_way = std::make_unique<Attempt>();
    under_way->fd = std::move(attempt.fd);
    under_way->address = address;
    under_way->over = std::make_unique<FdWatch>(loop_, fd, FdWatch::For::Writing,
                                                [this, fd] { on_connect_over(fd); });
    under_way->over->start();
    attempts_.push_back(std::move(under_way));
  }
  if (attempts_.empty()) return end_round();
  next_round_.start(kConnectTime);
}

// No process of the tree has accepted a connection.
void Probe::end_round() {
  if (stranger_.empty()) {
    report_.see(
        {.is = Sight::Is::NoListener, .address = addresses_.front().text(), .beginning = {}});
    return next_round_.start(pause());
  }
  if (takes_strangers_) return ask_stranger();
  next_round_.start(pause());
  if (!is_patient_) handlers_.on_stranger();
}

void Probe::ask_stranger() {
  ConnectAttempt attempt = start_connect(strangers_address_);
  const bool is_open =
      attempt.error == 0 && is_over(attempt.fd.get()) && connect_error(attempt.fd.get()) == 0;
  if (!is_open) return next_round_.start(kStrangerPause);
  reset_on_close(attempt.fd.get());
  talk(std::move(attempt.fd), strangers_address_);
}

bool Probe::is_strangers(const SocketAddress& address) {
  const Owner owner = handlers_.owner_of(address);
  if (owner.is != Owner::Is::Stranger) return false;
  met_stranger_ = true;
  if (stranger_.empty()) {
    stranger_ = owner.who;
    strangers_address_ = address;
  }
  return true;
}

void Probe::on_connect_over(int fd) {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(),
                                  [fd](const auto& a) { return a->fd.get() == fd; });
  auto attempt = std::move(*found);
  attempts_.erase(found);
  attempt->over->stop();
  const bool is_open = connect_error(fd) == 0;
  if (is_open && !is_strangers(attempt->address)) {
    stranger_.clear();
    talk(std::move(attempt->fd), attempt->address);
  } else {
    if (is_open) reset_on_close(fd, false);
    if (attempts_.empty()) end_round();
  }
  loop_.bury(std::move(attempt));
}

void Probe::talk(UniqueFd fd, const SocketAddress& address) {
  hang_up();
  next_round_.stop();
  if (wants_ == For::Connection) {
    report_.stop();
    reset_on_close(fd.get(), false);
    fd.reset();
    return handlers_.on_answer({.from = address, .stranger = stranger_});
  }
  talk_ = std::make_unique<Attempt>();
  talk_->fd = std::move(fd);
  talk_->address = address;
  talk_->over = std::make_unique<FdWatch>(loop_, talk_->fd.get(), FdWatch::For::Reading,
                                          [this] { on_readable(); });
  talk_->over->start();
  // The buffer of a new socket has room for the whole request.
  const std::string request = (asks_for_body() ? "GET" : "HEAD") + request_;
  const ssize_t sent =
      ::send(talk_->fd.get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(request.size())) return fail(Sight::Is::NoAnswer);
  if (failures_ == 0) see_talk(Sight::Is::Silence);
  deadline_.start(answer_time_);
}

void Probe::on_readable() {
  char bytes[4096];
  const ssize_t got = ::recv(talk_->fd.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (got > 0) return take({bytes, static_cast<std::size_t>(got)});
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  on_end(/*is_reset=*/got < 0 || connect_error(talk_->fd.get()) != 0);
}

// The server has closed the connection. If it had not read the request, there would have been a
// reset, either instead of the end or, if the end came before the request, after it.
void Probe::on_end(bool is_reset) {
  if (!is_reset && !has_ended_) part();
  if (answered_) return hang_up();
  if (!answer_.empty()) return fail(Sight::Is::NotHttp);
  if (is_reset) return fail(Sight::Is::NoAnswer);
  if (++closes_ < kClosesForAnswer) {
    see_talk(Sight::Is::NoAnswer);
    return retry();
  }
  const Answer answer{.from = talk_->address, .is_response = false, .stranger = stranger_};
  report_.stop();
  hang_up();
  handlers_.on_answer(answer);
}

// Takes talk_'s socket after the server's FIN. Closes it with a reset as soon as no process has the
// server's end open, or else with a FIN.
void Probe::part() {
  if (ended_.is_open()) close_ended();
  talk_->over->stop();
  ended_ = std::move(talk_->fd);
  ended_for_ = milliseconds{};
  look_at_ended();
}

void Probe::look_at_ended() {
  if (ended_for_ == kHalfClosedFor || peers_.is_abandoned(ended_.get())) return close_ended();
  ended_for_ = ended_for_ == kEndedFor ? kHalfClosedFor : kEndedFor;
  next_look_.start(ended_for_);
}

void Probe::close_ended() {
  next_look_.stop();
  reset_on_close(ended_.get(), peers_.is_abandoned(ended_.get()));
  ended_.reset();
}

void Probe::take(std::string_view bytes) {
  if (answer_.size() < kHeadMax) answer_ += bytes;
  const std::size_t size = std::min(answer_.size(), kBeginning.size());
  if (!answered_ && answer_.compare(0, size, kBeginning, 0, size) != 0) {
    log_not_http();
    return fail(Sight::Is::NotHttp);
  }
  if (size < kBeginning.size()) return;
  // If the connection were cut before the response has been read, the backend would log a broken
  // pipe.
  const bool is_complete =
      answer_.find("\r\n\r\n") != std::string::npos || answer_.find("\n\n") != std::string::npos;
  if (is_complete && !std::exchange(has_head_, true)) {
    deadline_.start(asks_for_body() ? kBodyTime : kLingerTime);
  }
  if (std::exchange(answered_, true)) return;
  report_.stop();
  const SocketAddress from = talk_->address;
  handlers_.on_answer({.from = from, .stranger = stranger_});
}

void Probe::log_not_http() {
  if (std::exchange(not_http_logged_, true)) return;
  log::warning(
      "your server's answer is not HTTP/1, so requests wait. If it speaks another protocol on this "
      "port, such as HTTPS, turn that off");
}

// The established connection brought no answer.
void Probe::fail(Sight::Is is) {
  see_talk(is);
  closes_ = 0;
  retry();
}

void Probe::retry() {
  ++failures_;
  hang_up();
  next_round_.start(pause());
}

// Some servers fail on HEAD. GET makes the server render a page, so the probe sends it only after a
// HEAD that failed.
bool Probe::asks_for_body() const {
  return failures_ % 2 == 1;
}

void Probe::see_talk(Sight::Is is) {
  report_.see({.is = is,
               .address = talk_->address.text(),
               .beginning = answer_.substr(0, kBeginningShownMax)});
}

void Probe::on_deadline() {
  if (!answered_) {
    see_talk(Sight::Is::Silence);
    answer_time_ *= 2;
    return begin_round();
  }
  if (look_at_unread(talk_->fd.get()) == Unread::End) return on_end(/*is_reset=*/false);
  if (std::exchange(has_ended_, true)) {
    reset_on_close(talk_->fd.get(), false);
    return hang_up();
  }
  // The server has ignored `Connection: close` and waits for another request. An orderly end does
  // not disturb the server, and leaves the TIME_WAIT on our side, because ours is first. If the
  // server is killed before it has noticed, stop() resets the connection: on a busy machine, its
  // FIN could cross ours and leave a TIME_WAIT at both sides.
  ::shutdown(talk_->fd.get(), SHUT_WR);
  deadline_.start(kHalfClosedFor);
}

// Closes all connections. May be called from their callbacks.
void Probe::hang_up() {
  deadline_.stop();
  answer_.clear();
  answered_ = has_head_ = has_ended_ = false;
  for (auto& attempt : attempts_) {
    attempt->over->stop();
    loop_.bury(std::move(attempt));
  }
  attempts_.clear();
  if (!talk_) return;
  talk_->over->stop();
  talk_->fd.reset();
  loop_.bury(std::move(talk_));
}

microseconds Probe::pause() const {
  if (is_patient_) return kPatientPause;
  if (!stranger_.empty()) return kStrangerPause;
  const auto waited =
      std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - started_);
  if (failures_ == 0) return std::clamp(waited / kPauseShare, kPauseMin, kPauseMax);
  return std::clamp<microseconds>(waited / kFailurePauseShare, kFailurePauseMin, kFailurePauseMax);
}

}  // namespace hpp::supervisord
