// Runs Follower against a model of the kernel: files change at any moment, also between the watch
// on a directory and the reading of its names, the queue overflows, and watchd is killed. No change
// may be lost, and none may be reported twice. If Follower is idle and the queue is empty, every
// change is reported.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "watchd/inotify/core/follower.h"

namespace hpp::watchd::inotify {
namespace {

using std::chrono::milliseconds;
using Kind = Directories::Kind;
using Is = QueueEvent::Is;

constexpr std::uint64_t kReading = ~std::uint64_t{0};

struct Inode;
using InodePtr = std::shared_ptr<Inode>;

struct Inode {
  bool is_directory = false;
  std::map<std::string, InodePtr> children{};
  int watch = -1;
};

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + '/' + name;
}

// The files, and the kernel's queue of events.
class Kernel {
 public:
  Kernel(std::mt19937& random, std::size_t queue_max) : random_(random), queue_max_(queue_max) {}

  std::uint64_t position = 0;             // kept beside the queue
  std::map<std::string, int> changed_at;  // by path: the number of the newest change
  int changes = 0;
  bool has_overflowed = false;

  InodePtr find(const std::string& path) const {
    InodePtr at = root_;
    for (std::size_t begin = 0; at && begin < path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      const auto child = at->children.find(path.substr(begin, end - begin));
      at = child == at->children.end() ? nullptr : child->second;
      begin = end + 1;
    }
    return at;
  }

  int watch(const InodePtr& inode) {
    if (inode->watch < 0) inode->watch = ++last_watch_;
    watched_[inode->watch] = inode;
    return inode->watch;
  }

  void remove_watch(int watch) {
    const auto found = watched_.find(watch);
    if (found == watched_.end()) return;
    found->second->watch = -1;
    watched_.erase(found);
    push({.is = Is::Ended, .watch = watch});
  }

  bool is_readable() const { return !queue_.empty(); }

  std::vector<QueueEvent> read() {
    const auto all = std::exchange(queue_, {});
    return {all.begin(), all.end()};
  }

  // Does something to a random file or directory.
  void change() {
    ++changes;
    const auto [folder, path] = random_folder(root_, "");
    const std::string name = random_name();
    const std::string place = join(path, name);
    const bool exists = folder->children.contains(name);
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return exists ? write(folder, place, name) : make(folder, place, name);
      case 3:
        if (exists) remove(folder, place, name);
        return;
      case 4:
      case 5:
        if (exists) move(folder, place, name);
        return;
      case 6:
        if (exists) outside_[name] = leave(folder, place, name);
        return;
      default:
        if (!exists && outside_.contains(name)) {
          enter(folder, place, name, outside_.extract(name).mapped());
        }
    }
  }

 private:
  std::string random_name() { return std::string(1, static_cast<char>('a' + random_() % 3)); }

  std::pair<InodePtr, std::string> random_folder(const InodePtr& from, const std::string& path) {
    std::vector<std::pair<InodePtr, std::string>> folders;
    for (const auto& [name, child] : from->children) {
      if (child->is_directory) folders.emplace_back(child, join(path, name));
    }
    const bool is_deep = std::count(path.begin(), path.end(), '/') >= 2;
    if (folders.empty() || is_deep || random_() % 3 == 0) return {from, path};
    const auto [child, place] = folders[random_() % folders.size()];
    return random_folder(child, place);
  }

  void push(QueueEvent event) {
    if (event.watch < 0) return;
    if (!queue_.empty() && queue_.back() == event) return;  // the kernel merges equal events
    if (queue_.size() < queue_max_) return queue_.push_back(std::move(event));
    has_overflowed = true;
    if (queue_.back().is != Is::Overflowed) queue_.push_back({.is = Is::Overflowed});
  }

  void note(const std::string& path) { changed_at[path] = changes; }

  void note_all(const InodePtr& inode, const std::string& path) {
    if (!inode->is_directory) return note(path);
    for (const auto& [name, child] : inode->children) note_all(child, join(path, name));
  }

  void write(const InodePtr& folder, const std::string& place, const std::string& name) {
    if (folder->children.at(name)->is_directory) return;
    note(place);
    push({.is = Is::Written, .watch = folder->watch, .name = name});
  }

  void make(const InodePtr& folder, const std::string& place, const std::string& name) {
    const bool is_directory = random_() % 2 == 0;
    folder->children[name] = std::make_shared<Inode>(Inode{.is_directory = is_directory});
    if (!is_directory) note(place);
    push({.is = is_directory ? Is::Made : Is::Touched, .watch = folder->watch, .name = name});
  }

  // The watch of a removed directory ends before its parent's event or after it.
  void remove(const InodePtr& folder, const std::string& place, const std::string& name) {
    const InodePtr inode = folder->children.at(name);
    while (!inode->children.empty()) {
      const std::string first = inode->children.begin()->first;
      remove(inode, join(place, first), first);
    }
    const bool ends_first = random_() % 2 == 0;
    if (ends_first) remove_watch(inode->watch);
    leave(folder, place, name);
    if (!inode->is_directory) note(place);
    if (!ends_first) remove_watch(inode->watch);
  }

  InodePtr leave(const InodePtr& folder, const std::string& place, const std::string& name) {
    InodePtr inode = folder->children.at(name);
    note_all(inode, place);
    folder->children.erase(name);
    push(
        {.is = inode->is_directory ? Is::Gone : Is::Touched, .watch = folder->watch, .name = name});
    return inode;
  }

  void enter(const InodePtr& folder, const std::string& place, const std::string& name,
             const InodePtr& inode) {
    folder->children[name] = inode;
    note_all(inode, place);
    push({.is = inode->is_directory ? Is::MovedIn : Is::Touched,
          .watch = folder->watch,
          .name = name});
  }

  bool holds(const InodePtr& inode, const InodePtr& wanted) const {
    if (inode == wanted) return true;
    return std::any_of(inode->children.begin(), inode->children.end(),
                       [&](const auto& child) { return holds(child.second, wanted); });
  }

  // Like rename(2): a file replaces a file, and a directory replaces an empty directory.
  void move(const InodePtr& folder, const std::string& place, const std::string& name) {
    const InodePtr inode = folder->children.at(name);
    const auto [to, path] = random_folder(root_, "");
    const std::string new_name = random_name();
    if (holds(inode, to)) return;
    const auto there = to->children.find(new_name);
    const InodePtr replaced = there == to->children.end() ? nullptr : there->second;
    if (replaced && (replaced == inode || replaced->is_directory != inode->is_directory ||
                     !replaced->children.empty())) {
      return;
    }
    leave(folder, place, name);
    enter(to, join(path, new_name), new_name, inode);
    if (replaced) remove_watch(replaced->watch);
  }

  std::mt19937& random_;
  std::size_t queue_max_;
  InodePtr root_ = std::make_shared<Inode>(Inode{.is_directory = true});
  std::map<std::string, InodePtr> outside_;
  std::deque<QueueEvent> queue_;
  int last_watch_ = 0;
  std::map<int, InodePtr> watched_;
};

// watchd: the real Follower in a shell like watchd/inotify/source.cc, and the checks.
class Simulation {
 public:
  explicit Simulation(unsigned seed)
      : random_(seed), kernel_(random_, seed % 4 == 0 ? 6 + random_() % 20 : 100'000) {}

  void run() {
    for (int i = 0; i < 10; ++i) kernel_.change();
    start();
    for (int i = 0; i < 40 && !::testing::Test::HasFailure(); ++i) {
      for (auto n = random_() % 6; n > 0; --n) kernel_.change();
      step();
    }
    is_calm_ = true;
    if (!follower_) start();
    sync();
    const int reports = reports_;
    sync();
    EXPECT_EQ(reports_, reports) << "a change was invented";
    EXPECT_TRUE(follower_->is_idle());
    EXPECT_FALSE(is_timer_on_);
  }

 private:
  void step() {
    if (!follower_) return start();
    switch (random_() % 5) {
      case 0:
        return sync();
      case 1:
        if (std::exchange(is_timer_on_, false)) take(TimerExpired{});
        return;
      case 2:
        if (random_() % 4 == 0) die();
        return;
      default:
        if (kernel_.is_readable()) take(QueueReadable{});
    }
  }

  void start() {
    follower_ = std::make_unique<Follower>(
        Follower::Settings{.filter = {.default_excludes = false}, .ignored = {}});
    take(Watch{.since = published_});
  }

  void die() {
    follower_.reset();
    waiting_.clear();
    is_timer_on_ = false;
    has_crashed_ = true;
    exact_from_ = kernel_.changes + 1;
  }

  void sync() {
    is_synced_ = false;
    synced_at_ = kernel_.changes;
    take(Sync{});
    EXPECT_TRUE(is_synced_ || !follower_);
  }

  void take(const Event& event) {
    waiting_.push_back(event);
    while (!waiting_.empty() && follower_) {
      const Event next = std::move(waiting_.front());
      waiting_.pop_front();
      now_ += milliseconds(1);
      for (const Effect& effect : follower_->on(next, now_)) {
        disturb();
        if (!is_calm_ && random_() % 400 == 0) return die();
        std::visit([this](const auto& e) { perform(e); }, effect);
      }
    }
    if (follower_) check_rest();
  }

  void check_rest() {
    if (!follower_->is_idle() || kernel_.is_readable()) return;
    for (const auto& [path, changed] : kernel_.changed_at) {
      if (!is_file(path)) continue;
      EXPECT_GE(covered_[path], changed) << path << " is missing, but Follower is idle";
    }
  }

  void disturb() {
    if (!is_calm_ && random_() % 4 == 0) kernel_.change();
  }

  void answer(Event event) { waiting_.push_front(std::move(event)); }

  void perform(const OpenQueue& effect) {
    EXPECT_EQ(effect.token == "queue", !published_.empty());
    answer(QueueOpened{
        .token = "queue", .is_kept = !published_.empty(), .position = kernel_.position});
  }

  void perform(const CloseQueue&) { FAIL() << "the watch has ended"; }

  void perform(const OpenDirectory& effect) {
    const InodePtr inode = kernel_.find(effect.path);
    if (!inode || !inode->is_directory) {
      return answer(DirectoryOpened{.error = inode ? ENOTDIR : ENOENT});
    }
    DirectoryOpened opened{.watch = kernel_.watch(inode)};
    disturb();
    for (const auto& [name, child] : inode->children) {
      opened.entries.push_back(
          {.name = name, .is = child->is_directory ? Entry::Is::Directory : Entry::Is::File});
    }
    answer(std::move(opened));
  }

  void perform(const RemoveWatch& effect) { kernel_.remove_watch(effect.watch); }

  void perform(const ReadQueue&) {
    kernel_.position = kReading;
    read_at_ = kernel_.changes;
    answer(QueueRead{kernel_.read()});
  }

  void perform(const KeepPosition& effect) { kernel_.position = effect.position; }

  void perform(const Examine& effect) {
    examined_at_ = kernel_.changes;
    Examined examined;
    for (const std::string& name : effect.names) {
      examined.results.push_back({.is = is_file(name) ? Kind::File : Kind::Unknown});
    }
    answer(std::move(examined));
  }

  void perform(const FindLinks&) { answer(LinksFound{}); }

  void perform(const AwaitTurn&) { answer(TurnCame{}); }

  void perform(const StartTimer&) { is_timer_on_ = true; }

  void perform(const StopTimer&) { is_timer_on_ = false; }

  void perform(const Say&) {}

  void perform(const LinksListed&) {}

  void perform(const Watching&) {}

  void perform(const Lost& report) { FAIL() << report.why; }

  void perform(const Began& report) {
    EXPECT_TRUE(published_.empty()) << "the queue was lost";
    published_ = report.clock;
    cover_all(kernel_.changes);
  }

  void perform(const Changed& report) {
    ++reports_;
    published_ = report.clock;
    if (!report.lost_track.empty()) {
      EXPECT_TRUE(has_crashed_ || kernel_.has_overflowed) << report.lost_track;
      return cover_all(read_at_);
    }
    for (const ChangedFile& file : report.files) {
      const auto changed = kernel_.changed_at.find(file.name);
      if (changed == kernel_.changed_at.end()) {
        // A file was removed, and then its directory moved to this place.
        EXPECT_TRUE(file.is_transient()) << file.name << " was never changed";
        continue;
      }
      int& named = named_[file.name];
      if (named >= exact_from_) {
        EXPECT_GT(changed->second, named) << file.name << " is reported twice";
      }
      named = read_at_;
      if (!file.exists) files_.erase(file.name);
      int& covered = covered_[file.name];
      covered = std::max(covered, file.exists ? read_at_ : examined_at_);
    }
  }

  // Every change before the Sync is reported. But a file that appeared and disappeared together
  // with its directory may never have been seen.
  void perform(const Synced&) {
    is_synced_ = true;
    std::set<std::string> files;
    for (const auto& [path, changed] : kernel_.changed_at) {
      const bool exists = is_file(path);
      const bool is_seen = exists || files_.contains(path);
      if (exists && changed <= synced_at_) files.insert(path);
      if (is_seen && changed <= synced_at_) {
        EXPECT_GE(covered_[path], changed) << path << " is missing";
      }
    }
    files_ = std::move(files);
  }

  bool is_file(const std::string& path) const {
    const InodePtr inode = kernel_.find(path);
    return inode && !inode->is_directory;
  }

  // The changes until then do not have to be named any more, but may be: Began precedes events that
  // were queued during the crawl.
  void cover_all(int change) {
    std::erase_if(files_, [&](const std::string& path) {
      return !is_file(path) || kernel_.changed_at.at(path) > change;
    });
    for (const auto& [path, changed] : kernel_.changed_at) {
      covered_[path] = std::max(covered_[path], std::min(change, changed));
    }
    exact_from_ = kernel_.changes + 1;
  }

  std::mt19937 random_;
  Kernel kernel_;
  std::unique_ptr<Follower> follower_;
  std::deque<Event> waiting_;
  TimePoint now_{};
  std::string published_;  // the newest clock that was reported
  bool has_crashed_ = false;
  bool is_calm_ = false;  // nothing happens from outside any more
  bool is_timer_on_ = false;
  bool is_synced_ = false;
  int synced_at_ = 0;    // number of the newest change when the Sync was sent
  int read_at_ = 0;      // number of the newest change when the queue was read
  int examined_at_ = 0;  // number of the newest change when the files were examined
  int exact_from_ = 0;   // changes before this one may be reported twice
  int reports_ = 0;
  std::set<std::string> files_;         // the files at the last Sync
  std::map<std::string, int> named_;    // by path: `read_at_` of the newest report that names it
  std::map<std::string, int> covered_;  // by path: the newest change that a report covers
};

TEST(FollowerSimulation, LosesNoChangeAndInventsNone) {
  for (unsigned seed = 1; seed <= 5'000 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Simulation(seed).run();
  }
}

}  // namespace
}  // namespace hpp::watchd::inotify
