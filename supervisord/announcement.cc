#include "supervisord/announcement.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "common/bus/endpoints.h"
#include "common/log.h"
#include "common/os/process_info.h"

namespace hpp::supervisord {
namespace {

constexpr const char* kName = "ready.sock";
constexpr const char* kStored = "ready";

// How much of the server's STATUS= is shown.
constexpr std::size_t kStatusShownMax = 200;  // bytes

}  // namespace

Announcement::Announcement(Loop& loop, ServiceManager& manager, const ReadyWhen& when,
                           const std::string& run_directory, const bus::AuthorId& author,
                           Handlers handlers)
    : manager_(manager),
      handlers_(std::move(handlers)),
      stored_name_(bus::stored_name(author, kStored)),
      regex_(when.regex),
      report_(loop, handlers_.on_sight, handlers_.on_late) {
  if (when.is == ReadyWhen::Is::Line) line_.emplace(when.regex);
  if (when.is != ReadyWhen::Is::Message) return;
  directory_.emplace(std::filesystem::absolute(run_directory).native());
  socket_.emplace(
      loop, *directory_, kName,
      [this](pid_t sender, const Notification& notification, const std::vector<UniqueFd>&) {
        on_message(sender, notification);
      },
      take_stored());
  store();
}

UniqueFd Announcement::take_stored() {
  std::vector<UniqueFd> kept = manager_.take(stored_name_);
  return kept.empty() ? UniqueFd() : std::move(kept.back());
}

void Announcement::store() {
  if (stored_fd_ == socket_->fd()) return;
  stored_fd_ = socket_->fd();
  manager_.forget(stored_name_);
  manager_.store(stored_name_, {stored_fd_});
}

void Announcement::complete(std::vector<std::pair<std::string, std::string>>& environment) {
  if (!socket_) return;
  try {
    if (!directory_->is_intact()) directory_->mend();
    socket_->mend();
  } catch (const std::system_error& error) {
    throw std::runtime_error(error.what());  // its code says nothing about the command
  }
  store();
  environment.emplace_back("NOTIFY_SOCKET", socket_->path());
}

void Announcement::forget_messages() {
  is_waiting_ = false;
  if (socket_) socket_->drain();
}

void Announcement::start() {
  stop();
  trusted_.reset();
  untrusted_.reset();
  is_waiting_ = true;
  report_.start();
  if (line_) {
    line_->begin();
    report_.see({.is = Sight::Is::NoLine, .address = {}, .beginning = {}, .detail = regex_});
  } else {
    report_.see({.is = Sight::Is::NoMessage, .address = {}, .beginning = {}});
    socket_->drain();
  }
}

void Announcement::stop() {
  is_waiting_ = false;
  report_.stop();
}

void Announcement::on_output(bus::OutputStream stream, std::string_view bytes) {
  if (is_waiting_ && line_ && line_->take(stream, bytes)) announce();
}

void Announcement::leave() {
  if (socket_) manager_.forget(stored_name_);
}

void Announcement::on_message(pid_t sender, const Notification& notification) {
  const bool is_news = notification.is_ready || !notification.status.empty();
  if (!is_waiting_ || !is_news || !is_trusted(sender)) return;
  if (notification.is_ready) return announce();
  report_.see({.is = Sight::Is::NoMessage,
               .address = {},
               .beginning = {},
               .detail = notification.status.substr(0, kStatusShownMax)});
}

bool Announcement::is_trusted(pid_t sender) {
  if (sender == trusted_) return true;
  if (sender == untrusted_) return false;
  const std::vector<pid_t> tree = handlers_.processes();
  const auto stat = process_stat(sender);
  const bool is_dead = sender > 0 && (!stat || stat->is_dead);
  if (is_dead || std::find(tree.begin(), tree.end(), sender) != tree.end()) {
    trusted_ = sender;
    return true;
  }
  untrusted_ = sender;
  log::warning(
      "a message to NOTIFY_SOCKET came from {}, which is no process of your server, so "
      "hpp ignores it",
      describe_process(sender));
  return false;
}

void Announcement::announce() {
  stop();
  handlers_.on_announced();
}

}  // namespace hpp::supervisord
