// The bus: the real Author for each topic, for each reader the rules of common/bus/subscriber.cc,
// and between them delay and loss. Messages arrive in order.
#pragma once

#include <array>
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

  // An author begins, with what its file holds, or dies.
  void open(bus::Topic topic);
  void close(bus::Topic topic);

  void publish(bus::Topic topic, bus::Message message);

  // The newest snapshot of the author that is at work, or what it has resumed from.
  const std::optional<bus::Message>& last(bus::Topic topic) const {
    return author(topic).core.last();
  }

  // `reader` is named by the topic that it is the author of.
  void subscribe(bus::Topic reader, bus::Topic topic, bus::Audience audience, OnMessage on_message);

  // The reader is dead: nothing more comes.
  void unsubscribe(bus::Topic reader);

 private:
  struct Author {
    bool is_open = false;
    std::uint64_t incarnation = 0;
    bus::Author core{1};
    std::uint64_t timer = 0;  // number of the newest one that was started
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
  std::array<std::array<Reader, 3>, 3> readers_;  // by who reads, and by what
};

// Of a message, for the trace.
std::string text_of(const bus::Message& message);

}  // namespace hpp::sim
