#include "common/bus/endpoints.h"

#include <fmt/format.h>

namespace hpp::bus {

std::string socket_path(const std::string& directory, Topic topic) {
  return fmt::format("{}/{}.sock", directory, author_of(topic));
}

std::string socket_url(const std::string& directory, Topic topic) {
  return "ipc://" + socket_path(directory, topic);
}

std::string lock_path(const std::string& directory, Topic topic) {
  return fmt::format("{}/{}.lock", directory, author_of(topic));
}

std::string snapshot_path(const std::string& directory, Topic topic) {
  return fmt::format("{}/{}.json", directory, author_of(topic));
}

}  // namespace hpp::bus
