#include "proxyd/change_queues.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/os/directory_id.h"
#include "common/os/fd_message.h"
#include "common/os/unix_socket.h"
#include "proxyd/core/idle_look.h"

namespace hpp::proxyd {
namespace {

// Whether none of the descriptors is readable or broken. False if the kernel cannot tell.
bool is_none_ready(const std::vector<UniqueFd>& fds) {
  std::array<pollfd, bus::kQueuesMax> polled;
  const auto end = std::transform(fds.begin(), fds.end(), polled.begin(), [](const UniqueFd& fd) {
    return pollfd{.fd = fd.get(), .events = POLLIN, .revents = 0};
  });
  return ::poll(polled.data(), static_cast<nfds_t>(end - polled.begin()), 0) == 0;
}

bool is_quiet(int connection) {
  pollfd polled{.fd = connection, .events = POLLIN, .revents = 0};
  return ::poll(&polled, 1, 0) == 0;
}

}  // namespace

ChangeQueues::ChangeQueues(Loop& loop, const std::string& run_directory)
    : loop_(loop), path_(run_directory + '/' + bus::kQueueSocket) {}

void ChangeQueues::connect() {
  if (connection_.is_open()) return;
  connection_ = connect_unix_socket(path_, SOCK_SEQPACKET);
  if (!connection_.is_open()) return;
  if (!is_peer_this_user(connection_.get())) return connection_.reset();
  readable_ = std::make_unique<FdWatch>(loop_, connection_.get(), FdWatch::For::Reading,
                                        [this] { receive(); });
  readable_->start();
}

// The looks at watchd and at the files.
struct ChangeQueues::Senses {
  std::uint64_t page() const { return offered.page.read(); }

  bool queues_are_empty() const { return is_none_ready(offered.queues); }

  bool is_in_place() const {
    const auto& directories = offered.offer.directories;
    return std::all_of(directories.begin(), directories.end(), [](const auto& directory) {
      return directory_id(directory.path) == directory.id;
    });
  }

  bool watchd_is_the_same() const { return is_quiet(connection); }

  const Offered& offered;
  int connection;
};

std::optional<bus::IdlePoint> ChangeQueues::look() const {
  if (!offered_) return std::nullopt;
  const std::uint64_t sequence = idle_sequence(Senses{*offered_, connection_.get()});
  if (sequence == 0) return std::nullopt;
  return bus::IdlePoint{.epoch = offered_->offer.epoch, .sequence = sequence};
}

// Takes the newest set of queues.
void ChangeQueues::receive() {
  auto message = receive_message(connection_.get(), bus::kOfferSizeMax);
  if (!message && (errno == EAGAIN || errno == EINTR)) return;
  if (!message || message->text.empty()) return disconnect();
  offered_.reset();
  auto offer = bus::decode_offer(message->text);
  if (!offer || message->fds.size() != offer->directories.size() + 1 ||
      message->fds.size() > bus::kQueuesMax + 1) {
    return;
  }
  auto page = bus::IdlePage::open(std::move(message->fds.front()));
  if (!page) return;
  message->fds.erase(message->fds.begin());
  offered_ = Offered{
      .page = *std::move(page), .offer = *std::move(offer), .queues = std::move(message->fds)};
}

void ChangeQueues::disconnect() {
  offered_.reset();
  readable_->stop();
  loop_.bury(std::move(readable_));
  connection_.reset();
}

}  // namespace hpp::proxyd
