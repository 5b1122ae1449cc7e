// The bus: the real Author for each topic, and the rules of common/bus/subscriber.cc for each
// reader. Messages between them are delayed and may be lost, but arrive in order.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "common/bus/author.h"
#include "tests/sim/world.h"

namespace hpp::sim {

class Bus {
 public:
  using OnMessage = std::function<void(const bus::Message& message)>;

  explicit Bus(World& world) : world_(world) {}

  // open(): an author starts, and resumes from its file. close(): the author dies.
  void open(bus::Topic topic);
  void close(bus::Topic topic);

  void publish(bus::Topic topic, bus::Message message);

  // The newest snapshot of the running author, or the snapshot that it has resumed from.
  const std::optional<bus::Message>& last(bus::Topic topic) const {
    return author(topic).core.last();
  }

  // `reader` is the topic whose author reads.
  void subscribe(bus::Topic reader, bus::Topic topic, bus::Audience audience, OnMessage on_message);

  // Ends all subscriptions of a reader that has died.
  void unsubscribe(bus::Topic reader);

 private:
  struct Author {
    bool is_open = false;
    std::uint64_t incarnation = 0;
    bus::Author core{1};
    std::uint64_t timer = 0;  // number of the timer that was started last
    std::optional<bus::Message> file;
  };

  struct Reader {
    bool is_open = false;
    bool is_connected = false;
    bus::Audience audience = bus::Audience::Everybody;
    std::uint64_t incarnation = 0;
    OnMessage on_message;
    bus::Stamp newest;
    TimePoint busy_until{};  // when the newest message arrives
  };

  Author& author(bus::Topic topic) { return authors_[static_cast<std::size_t>(topic)]; }

  const Author& author(bus::Topic topic) const { return authors_[static_cast<std::size_t>(topic)]; }

  Reader& reader(bus::Topic reader, bus::Topic topic) {
    return readers_[static_cast<std::size_t>(reader)][static_cast<std::size_t>(topic)];
  }

  void start_timer(bus::Topic topic);
  void connect_soon(bus::Topic reader, bus::Topic topic, Micros delay);
  void send_last(bus::Topic topic, bus::News news);
  void send(bus::Topic to, bus::Topic topic, std::shared_ptr<const bus::Message> message);
  void take(Reader& reader, const bus::Message& message);

  World& world_;
  std::array<Author, 3> authors_;
  std::array<std::array<Reader, 3>, 3> readers_;  // by the reader's own topic, then by topic
};

// Describes a message for the trace.
std::string text_of(const bus::Message& message);

}  // namespace hpp::sim
