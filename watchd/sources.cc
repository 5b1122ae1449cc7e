#include "watchd/sources.h"

#include <variant>

#include "watchd/say.h"

namespace hpp::watchd {
namespace {

// The path of a part's directory. An absolute prefix is a path itself.
std::string directory_of(const std::string& project, const std::string& prefix) {
  if (prefix.empty()) return project;
  return prefix.starts_with('/') ? prefix : project + '/' + prefix;
}

}  // namespace

Sources::Sources(Loop& loop, const Settings& settings, OnReport on_report)
    : composition_(settings.prefixes),
      on_report_(std::move(on_report)),
      timer_(loop, [this] { post(TimerExpired{}); }) {
  for (const std::string& prefix : settings.prefixes) {
    const std::size_t number = parts_.size();
    std::string directory = directory_of(settings.directory, prefix);
    auto source = std::make_unique<watchman::Source>(
        loop,
        watchman::Conversation::Settings{.directory = directory,
                                         .filter = settings.filter,
                                         .lists_links = settings.lists_links && number == 0},
        [this, number](const Report& report) {
          post(FromPart{number, report});
        });
    parts_.push_back({.directory = std::move(directory), .source = std::move(source)});
  }
}

void Sources::dispatch(const CompositionEvent& event) {
  for (const CompositionEffect& effect : composition_.on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Sources::perform(const ToPart& effect) {
  std::visit([&](const auto& order) { parts_[effect.part].source->take(order); }, effect.order);
}

void Sources::perform(const LookAtPart& effect) {
  Part& part = parts_[effect.part];
  post(PartSeen{.part = effect.part, .id = part.view.look(part.directory)});
}

void Sources::perform(const StartTimer& effect) {
  timer_.start(effect.delay);
}

void Sources::perform(const StopTimer&) {
  timer_.stop();
}

void Sources::perform(const Say& effect) {
  say(effect);
}

}  // namespace hpp::watchd
