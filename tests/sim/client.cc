#include "tests/sim/client.h"

#include <utility>

namespace hpp::sim {

using proxyd::Framing;
using Kind = Request::Kind;

// ---- scripts ------------------------------------------------------------------------------------

void Client::begin(int times) {
  left_ = times;
  think();
}

void Client::think() {
  if (left_ <= 0 || world_.is_quiet) return;
  const bool is_quick = world_.random.chance(0.4);
  const bool is_slow = !is_quick && world_.random.chance(0.02);
  const Micros pause =
      is_slow ? world_.random.between(4900ms, 5100ms) : world_.random.up_to(is_quick ? 2ms : 250ms);
  world_.after(pause, [this, thought = ++thought_] {
    if (thought == thought_) ask();
  });
}

void Client::hurry() {
  if (left_ > 0 && waits_for_.empty() && !world_.is_quiet) ask();
}

void Client::ask() {
  ++thought_;
  if (!connect()) {
    world_.after(10ms, [this, thought = thought_] {
      if (thought == thought_) ask();
    });
    return;
  }
  const bool pipelines = world_.random.chance(0.1);
  const int count = pipelines ? 2 + static_cast<int>(world_.random.below(2)) : 1;
  for (int sent = 0; sent < count && left_ > 0; ++sent, --left_) {
    Request& request = make_request();
    const bool more_may_follow = send(request);
    if (!more_may_follow) break;
  }
  misbehave();
}

bool Client::connect() {
  if (connection_ != 0) return true;
  const auto to = std::make_shared<std::uint64_t>(0);
  connection_ = proxyd_.connect([this, to](const ToClient& news) { on_news(*to, news); });
  *to = connection_;
  has_fin_ = said_close_ = false;
  idle_since_ = world_.now();
  return connection_ != 0;
}

Request& Client::make_request() {
  Request& request = requests_.emplace_back();
  request.id = requests_.size();
  const std::uint64_t what = world_.random.below(100);
  request.facts.is_safe = what < 70;
  request.facts.is_head = what < 10;
  request.facts.keeps_alive = !world_.random.chance(0.05);
  if (what >= 85) request.facts = {.framing = Framing::Length, .length = 4};
  const std::uint64_t kind = world_.random.below(100);
  if (kind < 4) request.kind = Kind::Stream;
  if (world_.traits.has_backend_faults && kind >= 4 && kind < 7) request.kind = Kind::Killer;
  if (world_.traits.has_backend_faults && kind == 7) request.kind = Kind::Orphan;
  if (kind >= 8 && kind < 11) {
    request.kind = Kind::Tunnel;
    request.facts = {.is_safe = true, .asks_upgrade = true};
  }
  if (request.kind == Kind::Stream) request.facts.is_head = false;
  return request;
}

// Returns whether another request may be sent at once.
bool Client::send(Request& request) {
  waits_for_.push_back(&request);
  if (world_.random.chance(0.1)) {
    proxyd_.send(connection_, {FromClient::Is::PartOfHead, &request});
  }
  proxyd_.send(connection_, {FromClient::Is::Head, &request});
  const bool is_last = request.kind == Kind::Tunnel || request.kind == Kind::Stream;
  if (request.facts.framing == Framing::None) return !is_last;
  if (world_.random.chance(0.7)) {
    proxyd_.send(connection_, {FromClient::Is::Body, &request});
    return !is_last;
  }
  world_.after(world_.random.up_to(30ms), [this, &request, connection = connection_] {
    if (connection == connection_) proxyd_.send(connection, {FromClient::Is::Body, &request});
  });
  return false;
}

void Client::misbehave() {
  const std::uint64_t how = world_.random.below(100);
  if (how >= 14) return;
  const bool is_quick = world_.random.chance(0.5);
  const Micros delay = world_.random.up_to(is_quick ? 2ms : 100ms);
  world_.after(delay, [this, how, connection = connection_] {
    if (connection != connection_ || connection == 0) return;
    if (how < 8) {
      proxyd_.reset(connection);
      end_connection();
    } else if (!std::exchange(has_fin_, true)) {
      proxyd_.send_fin(connection);
    }
  });
}

void Client::on_news(std::uint64_t connection, const ToClient& news) {
  if (connection != connection_) return;
  switch (news.is) {
    case ToClient::Is::Interim:
      return;
    case ToClient::Is::Head: {
      if (waits_for_.empty()) world_.violated("a client that asked for nothing gets an answer");
      Request& request = *waits_for_.front();
      if (news.request != nullptr && news.request != &request) {
        world_.violated("a client that waits for {} gets the answer to {}", request.id,
                        news.request->id);
      }
      if (std::exchange(request.status, news.status) != 0) {
        world_.violated("request {} is answered twice", request.id);
      }
      if (news.process != nullptr) request.shown = news.process->version;
      said_close_ = news.closes;
      if (news.status == 101 || request.kind == Kind::Stream) {
        world_.after(world_.random.up_to(300ms), [this, connection] {
          if (connection != connection_ || std::exchange(has_fin_, true)) return;
          proxyd_.send_fin(connection);
        });
      }
      return;
    }
    case ToClient::Is::End:
      if (waits_for_.empty()) world_.violated("a client gets the end of no answer");
      ++waits_for_.front()->answers;
      waits_for_.pop_front();
      idle_since_ = world_.now();
      if (waits_for_.empty() && !has_fin_) think();
      return;
    case ToClient::Is::Fin:
      check_fin();
      // Pipelined requests are lost. The client sends its FIN a moment later.
      proxyd_.send_fin(connection);
      end_connection();
      return;
    case ToClient::Is::Cut:
      end_connection();
      return;
  }
}

// proxyd must not close a kept connection without announcing it, unless the connection was idle for
// long.
void Client::check_fin() const {
  const bool is_idle_for_long = world_.now() - idle_since_ >= proxyd::kOutdatedIdleMax;
  if (said_close_ || has_fin_ || is_idle_for_long || waits_for_.empty()) return;
  if (waits_for_.front()->status == 101) return;  // the backend's FIN
  world_.violated("request {} meets a connection that is being closed", waits_for_.front()->id);
}

void Client::end_connection() {
  for (Request* const request : waits_for_) request->is_cut = true;
  waits_for_.clear();
  connection_ = 0;
  think();
}

void Client::come_to_rest() {
  left_ = 0;
  if (connection_ == 0 || waits_for_.empty()) return;
  const Kind kind = waits_for_.front()->kind;
  if (kind != Kind::Tunnel && kind != Kind::Stream) return;
  proxyd_.reset(connection_);
  end_connection();
}

Request& Client::ask_once_more() {
  ++thought_;
  if (connection_ != 0) {
    proxyd_.reset(connection_);
    end_connection();
  }
  Request& request = requests_.emplace_back();
  request.id = requests_.size();
  request.facts.is_safe = true;
  if (connect()) send(request);
  return request;
}

// ---- the browser --------------------------------------------------------------------------------

void Browser::on_reload() {
  // A load in progress is given up. If proxyd is down, the script retries until it is back.
  if (proxyd_.is_alive()) return load_soon(world_.random.up_to(3ms));
  load_soon(world_.random.between(100ms, 300ms));
}

void Browser::load_soon(Micros delay) {
  world_.after(delay, [this, load = ++load_] {
    if (load == load_) this->load();
  });
}

void Browser::load() {
  const std::uint64_t load = ++load_;
  if (request_ != nullptr && request_->answers == 0) request_->is_cut = true;
  if (connection_ != 0) proxyd_.reset(std::exchange(connection_, 0));
  connection_ = proxyd_.connect([this, load](const ToClient& news) { on_news(load, news); });
  if (connection_ == 0) return load_soon(20ms);
  request_ = &requests_.emplace_back();
  request_->id = requests_.size();
  request_->facts.is_safe = true;
  request_->facts.wanted = proxyd::Wanted::Html;
  request_->facts.is_navigation = true;
  world_.trace("browser: loads, request {}", request_->id);
  proxyd_.send(connection_, {FromClient::Is::Head, request_});
}

void Browser::on_news(std::uint64_t load, const ToClient& news) {
  if (load != load_) return;
  switch (news.is) {
    case ToClient::Is::Interim:
      return;
    case ToClient::Is::Head:
      if (std::exchange(request_->status, news.status) != 0) {
        world_.violated("request {} is answered twice", request_->id);
      }
      request_->shown = news.process == nullptr ? 0 : news.process->version;
      return;
    case ToClient::Is::End:
      ++request_->answers;
      shows_ = request_->shown;
      world_.trace("browser: shows version {} ({})", shows_, request_->status);
      if (news.loads_again) load_soon(world_.random.between(250ms, 500ms));
      return;
    case ToClient::Is::Fin:
      proxyd_.send_fin(std::exchange(connection_, 0));
      return;
    case ToClient::Is::Cut:
      connection_ = 0;
      if (request_->answers > 0) return;
      // Browsers try again by themselves when a connection is lost.
      request_->is_cut = true;
      load_soon(world_.random.between(50ms, 150ms));
      return;
  }
}

}  // namespace hpp::sim
