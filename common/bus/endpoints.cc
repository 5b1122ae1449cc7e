#include "common/bus/endpoints.h"

#include <fmt/format.h>

namespace hpp::bus {

std::string socket_name(Topic topic, Audience audience) {
  const char* const infix = audience == Audience::TicketHandlers ? ".tickets" : "";
  return fmt::format("{}{}.sock", author_of(topic), infix);
}

std::string socket_path(const std::string& directory, Topic topic, Audience audience) {
  return fmt::format("{}/{}", directory, socket_name(topic, audience));
}

std::string socket_url(const std::string& directory, Topic topic, Audience audience) {
  return "ipc://" + socket_path(directory, topic, audience);
}

std::string lock_name(Topic topic) {
  return fmt::format("{}.lock", author_of(topic));
}

std::string lock_path(const std::string& directory, Topic topic) {
  return fmt::format("{}/{}", directory, lock_name(topic));
}

std::string snapshot_name(Topic topic) {
  return fmt::format("{}.json", author_of(topic));
}

std::string snapshot_path(const std::string& directory, Topic topic) {
  return fmt::format("{}/{}", directory, snapshot_name(topic));
}

}  // namespace hpp::bus
