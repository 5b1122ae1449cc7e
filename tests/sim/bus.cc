#include "tests/sim/bus.h"

#include <algorithm>
#include <utility>

namespace hpp::sim {
namespace {

using bus::Topic;

constexpr std::array kTopics{Topic::Tree, Topic::Backend, Topic::Proxy};

// As common/bus/publisher.cc.
constexpr Micros kTick = 1s;
constexpr std::uint64_t kSequencesSkipped = std::uint64_t{1} << 32;
// As common/bus/subscriber.cc.
constexpr Micros kReconnectMin = 10ms;
constexpr Micros kReconnectMax = 100ms;

}  // namespace

std::string text_of(const bus::Message& message) {
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) {
    return fmt::format("tree #{}: revision {}, clock {}, {}{}, answers {}",
                       tree->stamp.sequence % kSequencesSkipped, tree->revision, tree->clock,
                       tree->watching ? "watching" : "blind: " + tree->problem,
                       tree->settling ? ", settling" : "", tree->answers.number);
  }
  if (const auto* backend = std::get_if<bus::BackendState>(&message)) {
    return fmt::format("backend #{}: {}, generation {}, serves {}, seen {}",
                       backend->stamp.sequence % kSequencesSkipped, bus::to_string(backend->state),
                       backend->generation, backend->serves.revision, backend->seen.revision);
  }
  const auto& proxy = std::get<bus::ProxyState>(message);
  return fmt::format("proxy #{}: asks {}", proxy.stamp.sequence % kSequencesSkipped,
                     proxy.asks.number);
}

// ---- authors ------------------------------------------------------------------------------------

void Bus::open(Topic topic) {
  Author& self = author(topic);
  self.is_open = true;
  ++self.incarnation;
  self.sent.reset();
  self.last = self.file;
  if (self.file) {
    self.stamp = bus::stamp_of(*self.file);
    self.stamp.sequence += kSequencesSkipped;
  } else {
    self.stamp = {.epoch = (world_.random.next() >> 12) | 1, .sequence = 0};
  }
  tick(topic, self.incarnation);
  for (const Topic who : kTopics) {
    if (reader(who, topic).is_open) {
      connect_soon(who, topic, world_.random.between(kReconnectMin, kReconnectMax));
    }
  }
}

void Bus::close(Topic topic) {
  Author& self = author(topic);
  self.is_open = false;
  ++self.incarnation;
  for (const Topic who : kTopics) reader(who, topic).is_connected = false;
}

void Bus::tick(Topic topic, std::uint64_t incarnation) {
  world_.after(kTick, [this, topic, incarnation] {
    if (author(topic).incarnation != incarnation) return;
    send_last(topic);
    tick(topic, incarnation);
  });
}

void Bus::publish(Topic topic, bus::Message message) {
  Author& self = author(topic);
  bus::set_stamp(message, self.stamp);
  if (self.last && message == *self.last && self.sent) return;
  const bool is_durable = !self.sent || bus::news_of(message, *self.last) == bus::News::Durable;
  ++self.stamp.sequence;
  bus::set_stamp(message, self.stamp);
  if (world_.traces()) world_.trace("bus: {}", text_of(message));
  self.last = std::move(message);
  self.sent = std::make_shared<const bus::Message>(*self.last);
  if (is_durable) {
    self.file = bus::durable(*self.last);
    bus::set_stamp(*self.file, self.stamp);
  }
  send_last(topic);
}

void Bus::send_last(Topic topic) {
  const Author& self = author(topic);
  if (!self.sent) return;
  for (const Topic who : kTopics) {
    if (reader(who, topic).is_connected) send(who, topic, self.sent);
  }
}

void Bus::send(Topic to, Topic topic, std::shared_ptr<const bus::Message> message) {
  if (!world_.is_quiet && world_.random.chance(world_.traits.drop)) {
    world_.trace("bus: {} loses a message for {}", bus::to_string(topic), bus::author_of(to));
    return;
  }
  Reader& self = reader(to, topic);
  const bool is_slow = world_.random.chance(0.01);
  const bool is_fast = !is_slow && world_.random.chance(0.7);
  const Micros takes = world_.random.up_to(is_slow ? 100ms : is_fast ? 300us : 5ms);
  self.busy_until = std::max(self.busy_until, world_.now() + takes);
  world_.at(self.busy_until,
            [this, &self, message = std::move(message), incarnation = self.incarnation] {
              if (self.incarnation == incarnation) take(self, *message);
            });
}

// ---- readers ------------------------------------------------------------------------------------

void Bus::subscribe(Topic who, Topic topic, OnMessage on_message) {
  Reader& self = reader(who, topic);
  self.is_open = true;
  ++self.incarnation;
  self.newest = {};
  self.on_message = std::move(on_message);
  self.busy_until = world_.now();
  if (author(topic).is_open) connect_soon(who, topic, world_.random.up_to(2ms));
}

void Bus::unsubscribe(Topic who) {
  for (Reader& self : readers_[static_cast<std::size_t>(who)]) {
    self.is_open = self.is_connected = false;
    ++self.incarnation;
  }
}

void Bus::connect_soon(Topic who, Topic topic, Micros delay) {
  Reader& self = reader(who, topic);
  world_.after(delay, [this, &self, topic, incarnation = self.incarnation,
                       author_incarnation = author(topic).incarnation] {
    if (self.incarnation != incarnation || author(topic).incarnation != author_incarnation) return;
    self.is_connected = true;
    send_last(topic);
  });
}

void Bus::take(Reader& self, const bus::Message& message) {
  const bus::Stamp& stamp = bus::stamp_of(message);
  if (stamp.epoch == self.newest.epoch && stamp.sequence <= self.newest.sequence) return;
  self.newest = stamp;
  self.on_message(message);
}

}  // namespace hpp::sim
