// A backend's core in a test: its events, by default 10 ms apart, and its newest snapshot.
#pragma once

#include <chrono>
#include <optional>

#include "supervisord/core/backend.h"
#include "tests/support/driver.h"

namespace hpp::supervisord {

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
