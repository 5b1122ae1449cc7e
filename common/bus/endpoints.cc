#include "common/bus/endpoints.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <stdexcept>

namespace hpp::bus {
namespace {

constexpr std::size_t kSocketPathMax = sizeof(sockaddr_un::sun_path) - 1;

// Returns the beginning of the names of an author's files. The separator cannot be a dot, because
// the socket of an author `tickets` would then have the path of the main author's second socket.
std::string stem(const AuthorId& author) {
  const std::string helper(helper_of(author.topic));
  return author.name == kMainAuthor ? helper : helper + '@' + author.name;
}

}  // namespace

std::string socket_name(const AuthorId& author, Audience audience) {
  const char* const infix = audience == Audience::TicketHandlers ? ".tickets" : "";
  return fmt::format("{}{}.sock", stem(author), infix);
}

std::string socket_path(const std::string& directory, const AuthorId& author, Audience audience) {
  std::string path = fmt::format("{}/{}", directory, socket_name(author, audience));
  if (path.size() <= kSocketPathMax) return path;
  throw std::runtime_error(
      fmt::format("the path of a socket is too long ({} bytes, at most {} fit a socket's address): "
                  "{}. Choose a shorter name than {}",
                  path.size(), kSocketPathMax, path, author.name));
}

std::string socket_url(const std::string& directory, const AuthorId& author, Audience audience) {
  return "ipc://" + socket_path(directory, author, audience);
}

std::string lock_name(const AuthorId& author) {
  return stem(author) + ".lock";
}

std::string lock_path(const std::string& directory, const AuthorId& author) {
  return fmt::format("{}/{}", directory, lock_name(author));
}

std::string snapshot_name(const AuthorId& author) {
  return stem(author) + ".json";
}

std::string snapshot_path(const std::string& directory, const AuthorId& author) {
  return fmt::format("{}/{}", directory, snapshot_name(author));
}

std::string output_log_name(const AuthorId& author) {
  return stem(author) + ".log";
}

std::string old_output_log_name(const AuthorId& author) {
  return stem(author) + ".old.log";
}

std::string stored_name(const AuthorId& author, std::string_view what) {
  return fmt::format("{}-{}", to_string(author), what);
}

}  // namespace hpp::bus
