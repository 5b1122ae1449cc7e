#include "watchd/sources.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <system_error>
#include <variant>

#include "common/log.h"
#include "watchd/git_ignore.h"
#include "watchd/link_search.h"
#include "watchd/mount_search.h"
#include "watchd/poll/source.h"
#include "watchd/say.h"
#include "watchd/watchman/source.h"
#include "watchd/watchman_config_file.h"

namespace hpp::watchd {
namespace {

// Returns a function that passes orders to the source and owns it.
template <class Source>
std::function<void(const Order&)> taker_of(std::shared_ptr<Source> source) {
  return [source = std::move(source)](const Order& order) {
    std::visit([&](const auto& o) { source->take(o); }, order);
  };
}

// Reads the `.watchmanconfig` that holds for a directory, and logs a mistake in it.
WatchmanConfig config_of(const std::string& directory) {
  WatchmanConfig config = watchman_config_of(directory);
  if (!config.problem.empty()) log::warning("{}", config.problem);
  return config;
}

}  // namespace

// ---- the parts ----------------------------------------------------------------------------------

Sources::Sources(Loop& loop, const Settings& settings, OnReport on_report)
    : loop_(loop),
      settings_(settings),
      filter_(settings.roots.front().filter),
      on_report_(std::move(on_report)),
      timer_(loop, [this] { post(TimerExpired{}); }) {
  std::vector<std::string> prefixes;
  for (const Root& root : settings_.roots) {
    const std::string directory = directory_of(settings_.directory, root.prefix);
    const WatchmanConfig config = config_of(directory);
    for (const ChosenSource& chosen : choose_sources(settings_.watcher, mounts_of_folder(directory),
                                                     root.filter, config.ignored)) {
      prefixes.push_back(root.prefix + chosen.folder);
      add(directory_of(settings_.directory, prefixes.back()), chosen, config, {});
    }
  }
  composition_.emplace(settings_.directory, prefixes, filter_);
}

void Sources::add(const std::string& directory, const ChosenSource& chosen,
                  const WatchmanConfig& config, const OutsideLink& link) {
  const std::size_t number = parts_.size();
  if (!chosen.why.empty()) log::info("{}: {}", directory, chosen.why);
  const auto on_report = [this, number](const Report& report) { post(FromPart{number, report}); };
  Part& part = parts_.emplace_back();
  part.link = link;
  switch (chosen.kind) {
    case ChosenSource::Kind::Poll:
      part.take = taker_of(std::make_shared<poll::Source>(
          loop_,
          poll::Source::Settings{.directory = directory,
                                 .prefix = chosen.folder,
                                 .filter = chosen.filter,
                                 .ignored = config.ignored,
                                 .settle = config.settle,
                                 .interval = settings_.poll_interval},
          on_report));
      break;
    case ChosenSource::Kind::Watchman:
      part.take = taker_of(std::make_shared<watchman::Source>(
          loop_, watchman::Conversation::Settings{.directory = directory, .filter = chosen.filter},
          on_report));
      break;
  }
  if (number == 0) return;
  part.directory = std::make_unique<FolderWatch>(loop_, directory,
                                                 [this, number] { post(PartStirred{number}); });
}

// ---- effects ------------------------------------------------------------------------------------

void Sources::dispatch(const CompositionEvent& event) {
  for (const CompositionEffect& effect : composition_->on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Sources::perform(const ToPart& effect) {
  parts_[effect.part].take(effect.order);
}

// A link to a file must still lead to the same file.
void Sources::perform(const LookAtPart& effect) {
  Part& part = parts_[effect.part];
  if (!part.take) return;
  const bool is_there =
      part.link.is_folder || part.link.name.empty() ||
      links_outside(settings_.directory, {part.link.name}) == std::vector{part.link};
  post(PartSeen{.part = effect.part, .id = is_there ? part.directory->look() : ""});
}

void Sources::perform(const FollowLinks& effect) {
  std::vector<std::string> names;
  std::copy_if(effect.names.begin(), effect.names.end(), std::back_inserter(names),
               [this](const std::string& name) {
                 std::error_code error;
                 return std::filesystem::is_symlink(directory_of(settings_.directory, name), error);
               });
  if (filter_.gitignore && !names.empty())
    names = without_ignored(settings_.directory, names).files;
  events_.post_next(LinksFollowed{links_outside(settings_.directory, names)});
}

// The source of a directory follows the link each time that it begins. The source of a file's
// directory does not.
void Sources::perform(const AddPart& effect) {
  const OutsideLink& link = effect.link;
  const std::filesystem::path target(link.target);
  const std::string directory =
      link.is_folder ? directory_of(settings_.directory, link.name) : target.parent_path().native();
  const Filter filter = link.is_folder ? filter_of_other(filter_)
                                       : filter_of_file(target.filename().native(), filter_);
  const WatchmanConfig config = config_of(directory);
  add(directory,
      choose_source(settings_.watcher, mounts_of_folder(directory), filter, config.ignored), config,
      link);
}

void Sources::perform(const RetirePart& effect) {
  Part& part = parts_[effect.part];
  loop_.later([grave = std::exchange(part.take, nullptr)] {});
  loop_.bury(std::move(part.directory));
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
