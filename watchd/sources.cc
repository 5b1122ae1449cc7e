#include "watchd/sources.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <variant>

#include "watchd/git_ignore.h"
#include "watchd/link_search.h"
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
    : loop_(loop),
      project_(settings.directory),
      filter_(settings.roots.front().filter),
      composition_(settings.directory, prefixes_of(settings.roots), filter_),
      on_report_(std::move(on_report)),
      timer_(loop, [this] { post(TimerExpired{}); }) {
  for (const Root& root : settings.roots) {
    add(directory_of(project_, root.prefix), root.filter, {});
  }
}

void Sources::add(const std::string& directory, const Filter& filter, const OutsideLink& link) {
  const std::size_t number = parts_.size();
  auto source = std::make_unique<watchman::Source>(
      loop_, watchman::Conversation::Settings{.directory = directory, .filter = filter},
      [this, number](const Report& report) {
        post(FromPart{number, report});
      });
  parts_.push_back({.source = std::move(source), .directory = nullptr, .link = link});
  if (number == 0) return;
  parts_.back().directory = std::make_unique<FolderWatch>(
      loop_, directory, [this, number] { post(PartStirred{number}); });
}

void Sources::dispatch(const CompositionEvent& event) {
  for (const CompositionEffect& effect : composition_.on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Sources::perform(const ToPart& effect) {
  std::visit([&](const auto& order) { parts_[effect.part].source->take(order); }, effect.order);
}

// A link to a file must still lead to the same file.
void Sources::perform(const LookAtPart& effect) {
  Part& part = parts_[effect.part];
  if (!part.source) return;
  const bool is_there = part.link.is_folder || part.link.name.empty() ||
                        links_outside(project_, {part.link.name}) == std::vector{part.link};
  post(PartSeen{.part = effect.part, .id = is_there ? part.directory->look() : ""});
}

void Sources::perform(const FollowLinks& effect) {
  std::vector<std::string> names;
  std::copy_if(effect.names.begin(), effect.names.end(), std::back_inserter(names),
               [this](const std::string& name) {
                 std::error_code error;
                 return std::filesystem::is_symlink(directory_of(project_, name), error);
               });
  if (filter_.gitignore && !names.empty()) names = without_ignored(project_, names).files;
  events_.post_next(LinksFollowed{links_outside(project_, names)});
}

// The source of a directory follows the link each time that it begins. The source of a file's
// directory does not.
void Sources::perform(const AddPart& effect) {
  const OutsideLink& link = effect.link;
  if (link.is_folder) return add(directory_of(project_, link.name), filter_of_other(filter_), link);
  const std::filesystem::path target(link.target);
  add(target.parent_path(), filter_of_file(target.filename(), filter_), link);
}

void Sources::perform(const RetirePart& effect) {
  loop_.bury(std::move(parts_[effect.part].source));
  loop_.bury(std::move(parts_[effect.part].directory));
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
