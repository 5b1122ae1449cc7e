#include "proxyd/repeater.h"

#include <optional>
#include <utility>

#include "common/event/fd_watch.h"
#include "common/event/stream.h"

namespace hpp::proxyd {

// One request. Ends when the answer does, or when the connection fails.
class Repeater::Sending final : private StreamListener {
 public:
  Sending(Repeater& owner, UniqueFd socket, std::string message)
      : owner_(owner),
        socket_(std::move(socket)),
        message_(std::move(message)),
        connected_(owner.loop_, socket_.get(), FdWatch::For::Writing, [this] { on_connected(); }) {
    connected_.start();
  }

 private:
  void on_connected() {
    connected_.stop();
    if (connect_error(socket_.get()) != 0) return owner_.end(*this);
    stream_.emplace(owner_.loop_, std::move(socket_), static_cast<StreamListener&>(*this));
    stream_->output().append(message_);
    stream_->flush();
  }

  void on_input() override { stream_->input().drain(stream_->input().size()); }

  void on_input_ended() override { owner_.end(*this); }

  void on_output_progress() override {}

  void on_broken(int) override { owner_.end(*this); }

  Repeater& owner_;
  UniqueFd socket_;
  std::string message_;
  FdWatch connected_;
  std::optional<Stream> stream_;  // set once the connection is made
};

Repeater::Repeater(Loop& loop) : loop_(loop) {}

Repeater::~Repeater() = default;

void Repeater::send(std::string message) {
  if (sendings_.size() >= kAtOnce) return;
  ConnectAttempt attempt = start_connect(address_);
  if (!attempt.fd.is_open()) return;
  auto sending = std::make_unique<Sending>(*this, std::move(attempt.fd), std::move(message));
  sendings_.emplace(sending.get(), std::move(sending));
}

void Repeater::end(Sending& sending) {
  const auto found = sendings_.find(&sending);
  if (found == sendings_.end()) return;
  loop_.bury(std::move(found->second));
  sendings_.erase(found);
}

}  // namespace hpp::proxyd
