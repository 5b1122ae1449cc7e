#include "tests/sim/bus.h"

#include <algorithm>
#include <utility>

namespace hpp::sim {
namespace {

using bus::Topic;

constexpr std::array kTopics{Topic::Tree, Topic::Backend, Topic::Proxy};

// The same limits as in common/bus/subscriber.cc.
constexpr Micros kReconnectMin = 10ms;
constexpr Micros kReconnectMax = 100ms;

}  // namespace

std::string text_of(const bus::Message& message) {
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) {
    return fmt::format("tree #{}: revision {}, clock {}, {}{}, answers {}",
                       tree->stamp.sequence % bus::kSequencesSkipped, tree->revision, tree->clock,
                       tree->watching ? "watching" : "blind: " + tree->problem,
                       tree->settling ? ", settling" : "", tree->answers.number);
  }
  if (const auto* backend = std::get_if<bus::BackendState>(&message)) {
    return fmt::format("backend #{}: {}, generation {}, serves {}, seen {}",
                       backend->stamp.sequence % bus::kSequencesSkipped,
                       bus::to_string(backend->state), backend->generation,
                       backend->serves.revision, backend->seen.revision);
  }
  const auto& proxy = std::get<bus::ProxyState>(message);
  return fmt::format("proxy #{}: asks {}", proxy.stamp.sequence % bus::kSequencesSkipped,
                     proxy.asks.number);
}

// ---- authors ------------------------------------------------------------------------------------

void Bus::open(Topic topic) {
  Author& self = author(topic);
  self.is_open = true;
  ++self.incarnation;
  self.core = bus::Author((world_.random.next() >> 12) | 1);
  if (self.file) self.core.resume(*self.file);
  start_timer(topic);
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

void Bus::start_timer(Topic topic) {
  Author& self = author(topic);
  world_.after(self.core.repeat_delay(), [this, &self, topic, timer = ++self.timer] {
    if (!self.is_open || timer != self.timer) return;
    send_last(topic, bus::News::Durable);
    self.core.repeated(/*is_file_written=*/true);
    start_timer(topic);
  });
}

void Bus::publish(Topic topic, bus::Message message) {
  Author& self = author(topic);
  const auto sending = self.core.publish(std::move(message));
  if (!sending) return;
  if (world_.traces()) world_.trace("bus: {}", text_of(*self.core.last()));
  if (sending->restarts_timer) start_timer(topic);
  if (sending->news == bus::News::Durable) self.file = self.core.kept();
  send_last(topic, sending->news);
}

void Bus::send_last(Topic topic, bus::News news) {
  const Author& self = author(topic);
  if (!self.core.has_published()) return;
  const auto message = std::make_shared<const bus::Message>(*self.core.last());
  for (const Topic who : kTopics) {
    const Reader& one = reader(who, topic);
    if (one.is_connected && bus::reaches(news, one.audience)) send(who, topic, message);
  }
}

void Bus::send(Topic to, Topic topic, std::shared_ptr<const bus::Message> message) {
  if (!world_.is_quiet && world_.random.chance(world_.traits.drop)) {
    world_.trace("bus: {} loses a message for {}", bus::to_string(topic), bus::helper_of(to));
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

void Bus::subscribe(Topic who, Topic topic, bus::Audience audience, OnMessage on_message) {
  Reader& self = reader(who, topic);
  self.is_open = true;
  self.audience = audience;
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
    send_last(topic, bus::News::Durable);
  });
}

void Bus::take(Reader& self, const bus::Message& message) {
  const bus::Stamp& stamp = bus::stamp_of(message);
  if (stamp.epoch == self.newest.epoch && stamp.sequence <= self.newest.sequence) return;
  self.newest = stamp;
  self.on_message(message);
}

}  // namespace hpp::sim
