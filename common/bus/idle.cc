#include "common/bus/idle.h"

#include "common/read_number.h"
#include "common/take_until.h"

namespace hpp::bus {

// A path contains any byte but NUL, which therefore ends each word.
std::string encode(const QueueOffer& offer) {
  std::string text = std::to_string(offer.epoch) + '\0';
  for (const QueueOffer::Directory& directory : offer.directories) {
    text += directory.id + '\0' + directory.path + '\0';
  }
  return text;
}

std::optional<QueueOffer> decode_offer(std::string_view text) {
  if (text.empty() || text.back() != '\0') return std::nullopt;
  const auto epoch = read_number<std::uint64_t>(take_until('\0', text));
  if (!epoch) return std::nullopt;
  QueueOffer offer{.epoch = *epoch, .directories = {}};
  while (!text.empty()) {
    const std::string_view id = take_until('\0', text);
    const std::string_view path = take_until('\0', text);
    if (id.empty() || path.empty()) return std::nullopt;
    offer.directories.push_back({.path = std::string(path), .id = std::string(id)});
  }
  return offer;
}

}  // namespace hpp::bus
