#include "watchd/sources.h"

#include <variant>

#include "watchd/say.h"

namespace hpp::watchd {
namespace {

std::vector<std::string> prefixes_of(const std::vector<Root>& roots) {
  std::vector<std::string> prefixes;
  for (const Root& root : roots) prefixes.push_back(root.prefix);
  return prefixes;
}

}  // namespace

Sources::Sources(Loop& loop, const Settings& settings, OnReport on_report)
    : composition_(prefixes_of(settings.roots), settings.roots.front().filter),
      on_report_(std::move(on_report)),
      timer_(loop, [this] { post(TimerExpired{}); }) {
  for (const Root& root : settings.roots) {
    const std::size_t number = parts_.size();
    const std::string directory = directory_of(settings.directory, root.prefix);
    auto source = std::make_unique<watchman::Source>(
        loop,
        watchman::Conversation::Settings{.directory = directory,
                                         .filter = root.filter,
                                         .lists_links = settings.lists_links && number == 0},
        [this, number](const Report& report) {
          post(FromPart{number, report});
        });
    parts_.push_back({.source = std::move(source), .directory = nullptr});
    if (number == 0) continue;
    parts_.back().directory = std::make_unique<FolderWatch>(
        loop, directory, [this, number] { post(PartStirred{number}); });
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
  post(PartSeen{.part = effect.part, .id = parts_[effect.part].directory->look()});
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
