#include "supervisord/core/preparation.h"

#include <cassert>

namespace hpp::supervisord {

Step build_step(std::string command) {
  return {.command = std::move(command), .title = "Building", .brief = "building", .done = "built"};
}

void Preparation::on_change() {
  if (state_ == State::Running) state_ = State::Outdated;
  if (state_ == State::Done) state_ = State::Due;
}

bool Preparation::begin() {
  assert(state_ == State::Due);
  if (steps_.empty()) return false;
  current_ = 0;
  state_ = State::Running;
  return true;
}

bool Preparation::on_step_end(bool has_succeeded) {
  assert(state_ == State::Running || state_ == State::Outdated);
  if (state_ == State::Outdated || !has_succeeded) {
    state_ = State::Due;
    return false;
  }
  if (current_ + 1 < steps_.size()) {
    ++current_;
    return true;
  }
  state_ = State::Done;
  return false;
}

void Preparation::abort() {
  if (state_ != State::Done) state_ = State::Due;
}

}  // namespace hpp::supervisord
