#include "watchd/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>
#include <variant>

#include "common/log.h"
#include "common/os/find_program.h"
#include "common/os/mount_search.h"
#include "watchd/core/fnv.h"
#include "watchd/git_ignore.h"
#include "watchd/link_search.h"
#include "watchd/patient_source.h"
#include "watchd/poll/source.h"
#include "watchd/say.h"
#include "watchd/watchman/source.h"
#include "watchd/watchman_config_file.h"

namespace hpp::watchd {
namespace {

// Returns a function that passes orders to the source and owns it.
template <class Source>
std::function<void(const Order&)> owner_of(std::shared_ptr<Source> source) {
  return [source = std::move(source)](const Order& order) {
    std::visit([&](const auto& o) { source->take(o); }, order);
  };
}

template <class Source, class... Arguments>
std::function<void(const Order&)> source_of(Arguments&&... arguments) {
  return owner_of(std::make_shared<Source>(std::forward<Arguments>(arguments)...));
}

// Reads the `.watchmanconfig` that holds for a directory, and logs a mistake in it.
WatchmanConfig config_of(const std::string& directory) {
  WatchmanConfig config = watchman_config_of(directory);
  if (!config.problem.empty()) log::warning_text(config.problem);
  return config;
}

// The name under which the service manager keeps the queue of a part. Several links may lead to
// files of one directory.
std::string store_name_of(const std::string& directory, const OutsideLink& link) {
  Fnv digest;
  digest.add(directory + '\0' + link.name);
  return fmt::format("inotify-{:016x}", digest.value());
}

}  // namespace

// ---- the parts ----------------------------------------------------------------------------------

Sources::Sources(Loop& loop, ServiceManager& manager, const Settings& settings, OnReport on_report,
                 inotify::Source::OnQueueUse on_queue_use)
    : loop_(loop),
      manager_(manager),
      settings_(settings),
      is_watchman_installed_(!find_program("watchman").empty()),
      filter_(settings.roots.front().filter),
      on_report_(std::move(on_report)),
      on_queue_use_(std::move(on_queue_use)),
      timer_(loop, [this] { post(TimerExpired{}); }) {
  std::vector<std::string> prefixes;
  for (const Root& root : settings_.roots) {
    const std::string directory = directory_of(settings_.directory, root.prefix);
    const WatchmanConfig config = config_of(directory);
    for (const ChosenSource& chosen :
         choose_sources(settings_.watcher, is_watchman_installed_, mounts_of_folder(directory),
                        root.filter, config.ignored)) {
      prefixes.push_back(root.prefix + chosen.folder);
      add({.path = directory_of(settings_.directory, prefixes.back()),
           .chosen = chosen,
           .config = config,
           .link = {}});
    }
  }
  composition_.emplace(settings_.directory, prefixes, filter_);
}

// A mount below a root, and the directory of a link's only file, are parts, and not roots.
std::vector<std::string> Sources::other_roots() const {
  std::vector<std::string> roots;
  for (auto part = parts_.begin() + 1; part != parts_.end(); ++part) {
    const bool is_whole =
        part->chosen.folder.empty() && (part->link.name.empty() || part->link.is_folder);
    if (part->source && is_whole) {
      roots.push_back(path_of_root(settings_.directory, part->path));
    }
  }
  return roots;
}

void Sources::add(Part part) {
  const std::size_t number = parts_.size();
  parts_.push_back(std::move(part));
  parts_.back().source = make_source(number);
  if (number == 0) return;
  parts_.back().directory = std::make_unique<FolderWatch>(
      loop_, parts_.back().path, [this, number] { post(PartStirred{number}); });
}

Sources::Source Sources::make_source(std::size_t number) {
  const auto& [kind, folder, filter, standby, why] = parts_[number].chosen;
  if (!why.empty()) log::info("{}: {}", parts_[number].path, why);
  const auto on_report = [this, number](const Report& report) { post(FromPart{number, report}); };
  if (!standby) return make_source(number, kind, on_report);
  const auto maker_of = [&](ChosenSource::Kind kind_to_make) {
    return [this, number, kind_to_make](const OnSourceReport& on_its_report) {
      return make_source(number, kind_to_make, on_its_report);
    };
  };
  return source_of<PatientSource>(loop_, parts_[number].path,
                                  Patience("Watchman", std::string(words_for(*standby))),
                                  maker_of(kind), maker_of(*standby), on_report);
}

Sources::Source Sources::make_source(std::size_t number, ChosenSource::Kind kind,
                                     const OnSourceReport& on_report) {
  Part& part = parts_[number];
  const ChosenSource& chosen = part.chosen;
  const WatchmanConfig& config = part.config;
  switch (kind) {
    case ChosenSource::Kind::Watchman:
      break;
    case ChosenSource::Kind::Inotify: {
      auto source = std::make_shared<inotify::Source>(
          loop_, manager_, store_name_of(part.path, part.link), part.path,
          inotify::Follower::Settings{
              .filter = chosen.filter, .ignored = config.ignored, .settle = config.settle},
          on_report, on_queue_use_);
      part.queue = source;
      return owner_of(std::move(source));
    }
    case ChosenSource::Kind::Poll:
      return source_of<poll::Source>(loop_,
                                     poll::Source::Settings{.directory = part.path,
                                                            .prefix = chosen.folder,
                                                            .filter = chosen.filter,
                                                            .ignored = config.ignored,
                                                            .settle = config.settle,
                                                            .interval = settings_.poll_interval},
                                     on_report);
  }
  return source_of<watchman::Source>(
      loop_, watchman::Conversation::Settings{.directory = part.path, .filter = chosen.filter},
      on_report);
}

// A link to a file leads through directories that no queue watches.
std::optional<std::vector<Sources::Queue>> Sources::idle_queues() const {
  if (!composition_->is_idle()) return std::nullopt;
  std::vector<Queue> queues;
  for (const Part& part : parts_) {
    if (!part.source) continue;
    const auto source = part.queue.lock();
    const bool is_of_file = !part.link.name.empty() && !part.link.is_folder;
    if (!source || !is_queue_alone(part.chosen) || is_of_file) return std::nullopt;
    auto queue = source->idle_queue();
    if (!queue) return std::nullopt;
    queues.push_back(*std::move(queue));
  }
  return queues;
}

// ---- effects ------------------------------------------------------------------------------------

void Sources::dispatch(const CompositionEvent& event) {
  for (const CompositionEffect& effect : composition_->on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Sources::perform(const ToPart& effect) {
  parts_[effect.part].source(effect.order);
}

// A link to a file must still lead to the same file.
void Sources::perform(const LookAtPart& effect) {
  Part& part = parts_[effect.part];
  if (!part.source) return;
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
  if (filter_.gitignore && !names.empty()) {
    names = without_ignored(settings_.directory, names).files;
  }
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
  add({.path = directory,
       .chosen = choose_source(settings_.watcher, is_watchman_installed_,
                               mounts_of_folder(directory), filter, config.ignored),
       .config = config,
       .link = link});
}

// The source whose report causes this must not be destroyed before it has returned.
void Sources::perform(const TakeNextSource& effect) {
  Part& part = parts_[effect.part];
  part.chosen = next_source(part.chosen);
  loop_.later([grave = std::exchange(part.source, make_source(effect.part))] {});
}

void Sources::perform(const RetirePart& effect) {
  Part& part = parts_[effect.part];
  loop_.later([grave = std::exchange(part.source, nullptr)] {});
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

// All parts have taken their queues. The others belong to parts that are gone, or to a standby that
// is not needed any more.
void Sources::perform(const Watching& report) {
  manager_.forget_untaken();
  on_report_(report);
}

}  // namespace hpp::watchd
