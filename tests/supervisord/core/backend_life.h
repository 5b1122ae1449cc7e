// A backend's core in a test: its events, by default 10 ms apart, its newest snapshot, and how its
// effects are written.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisord/core/backend.h"
#include "tests/support/driver.h"

namespace hpp::supervisord {

inline std::string text_of(const Say& effect) {
  return "Say " + effect.text;
}

inline std::string text_of(const StartProbe& effect) {
  constexpr const char* kOf[] = {"", " of any process", " instead"};
  return fmt::format("StartProbe {}{}", effect.generation, kOf[static_cast<int>(effect.of)]);
}

constexpr std::uint64_t kEpoch = 7;

inline TreeSeen changed_tree(std::uint64_t revision, std::vector<std::string> changed,
                             std::uint64_t epoch = kEpoch) {
  bus::TreeState state;
  state.stamp.epoch = epoch;
  state.revision = revision;
  state.watching = true;
  state.changed_count = changed.size();
  state.changed = std::move(changed);
  return {state};
}

inline ProcessExited exited(std::uint64_t generation, int code = 1, std::string tail = "") {
  return {.generation = generation,
          .status = {.by_signal = false, .number = code},
          .output_tail = std::move(tail)};
}

class BackendLife : public test::Driver<Backend, Event, Effect> {
 public:
  explicit BackendLife(const Backend::Settings& settings = {.command = {"server"}},
                       const bus::BackendState& previous = {})
      : Driver(Backend(settings, previous), std::chrono::milliseconds(10)) {}

  const bus::BackendState& published() const { return published_; }

 private:
  std::optional<Event> perform(Effect& effect) override {
    if (const auto* publish = std::get_if<Publish>(&effect)) published_ = publish->snapshot;
    return std::nullopt;
  }

  bus::BackendState published_;
};

}  // namespace hpp::supervisord
