#include "common/bus/endpoints.h"

#include <fmt/format.h>

namespace hpp::bus {

std::string socket_path(const std::string& directory, Topic topic, Audience audience) {
  const char* const infix = audience == Audience::TicketHandlers ? ".tickets" : "";
  return fmt::format("{}/{}{}.sock", directory, author_of(topic), infix);
}

std::string socket_url(const std::string& directory, Topic topic, Audience audience) {
  return "ipc://" + socket_path(directory, topic, audience);
}

std::string lock_path(const std::string& directory, Topic topic) {
  return fmt::format("{}/{}.lock", directory, author_of(topic));
}

std::string snapshot_path(const std::string& directory, Topic topic) {
  return fmt::format("{}/{}.json", directory, author_of(topic));
}

}  // namespace hpp::bus
