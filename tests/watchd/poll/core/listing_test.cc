#include "watchd/poll/core/listing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace hpp::watchd::poll {
namespace {

using Names = std::vector<std::string>;

// ---- the order ----------------------------------------------------------------------------------

TEST(Listing, TheOrderIsThatOfDirectoriesReadByName) {
  const Names names{"a", "a!", "a-b", "a/x", "a/x/y", "a0", "\xff"};
  Names sorted = names;
  std::sort(sorted.begin(), sorted.end(), precedes);
  EXPECT_EQ(sorted, (Names{"a", "a/x", "a/x/y", "a!", "a-b", "a0", "\xff"}));
  for (const std::string& name : names) EXPECT_FALSE(precedes(name, name)) << name;
}

// ---- changes, compared with a model -------------------------------------------------------------

using Files = std::map<std::string, Mark>;

Listing listing_of(const Files& files) {
  Listing listing;
  for (const auto& [name, mark] : files) listing.push_back({.name = name, .mark = mark});
  std::sort(listing.begin(), listing.end(), [](const ListedFile& one, const ListedFile& other) {
    return precedes(one.name, other.name);
  });
  return listing;
}

// The model looks up each name in the other map.
std::map<std::string, ChangedFile> model_of(const Files& before, const Files& after) {
  std::map<std::string, ChangedFile> changes;
  for (const auto& [name, mark] : before) {
    const auto now = after.find(name);
    if (now == after.end()) changes[name] = {.name = name, .exists = false};
    if (now != after.end() && now->second != mark) changes[name] = {.name = name};
  }
  for (const auto& [name, mark] : after) {
    if (!before.contains(name)) changes[name] = {.name = name, .is_new = true};
  }
  return changes;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  unsigned below(unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(engine_);
  }

  std::string name() {
    static constexpr std::string_view kCharacters = "a-0\xff";
    std::string name(1, kCharacters[below(4)]);
    while (below(3) != 0) {
      if (below(3) == 0) name += '/';
      name += kCharacters[below(4)];
    }
    return name;
  }

  // Changes one member in many cases.
  Mark mark() {
    Mark mark{.size = 1, .inode = 2, .modified_ns = 3, .changed_ns = 4, .mode = 5};
    switch (below(6)) {
      case 0:
        mark.size = below(3);
        break;
      case 1:
        mark.inode = below(3);
        break;
      case 2:
        mark.modified_ns = below(3);
        break;
      case 3:
        mark.changed_ns = below(3);
        break;
      case 4:
        mark.mode = below(3);
        break;
      default:
        break;
    }
    return mark;
  }

  Files files() {
    Files files;
    for (unsigned count = below(12); count > 0; --count) files[name()] = mark();
    return files;
  }

 private:
  std::mt19937 engine_;
};

TEST(Listing, ChangesAreThoseOfTheModel) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    const Files before = random.files();
    Files after = before;
    for (unsigned count = random.below(6); count > 0; --count) {
      const std::string name = random.name();
      random.below(2) == 0 ? void(after.erase(name)) : void(after[name] = random.mark());
    }
    const Listing one = listing_of(before);
    const Listing other = listing_of(after);
    std::map<std::string, ChangedFile> changes;
    Names order;
    for (const ChangedFile& file : changes_between(one, other)) {
      order.push_back(file.name);
      changes[file.name] = file;
    }
    EXPECT_EQ(changes, model_of(before, after)) << seed;
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end(), precedes)) << seed;
    EXPECT_EQ(order.size(), changes.size()) << seed;
    EXPECT_EQ(fingerprint(one) == fingerprint(other), before == after) << seed;
  }
}

// ---- the lister ---------------------------------------------------------------------------------

class ListerTest : public testing::Test {
 protected:
  // Scans as the shell does, with these files (`name->` is a symbolic link). Returns what is
  // listed.
  Names scan(Names names) {
    std::sort(names.begin(), names.end(), precedes);
    lister_.begin();
    for (std::string& name : names) {
      bool is_reached = true;
      for (std::size_t at = name.find('/'); at != name.npos; at = name.find('/', at + 1)) {
        is_reached = is_reached && lister_.holds_files(name.substr(0, at));
      }
      if (!is_reached) continue;
      const bool is_link = name.ends_with("->");
      if (is_link) name.resize(name.size() - 2);
      if (is_link ? lister_.lists_link(name) : lister_.lists_file(name)) {
        lister_.add(name, Mark{.size = 1});
      }
    }
    files_ = lister_.end();
    Names listed;
    for (const ListedFile& file : *files_) listed.push_back(file.name);
    return listed;
  }

  Lister lister_{Scope({.patterns = {"src/**/*.py", "web/lib/**"}, .excludes = {"src/old/**"}},
                       std::vector<std::string>{"src/build"}),
                 ""};
  std::shared_ptr<const Listing> files_;
};

TEST_F(ListerTest, ListsTheFilesThatCountInEachScan) {
  const Names all{"a.py",         "src/a.css", "src/a.py",     "src/build/a.py",
                  "src/lib/b.py", "src/lib/c", "src/old/a.py", "src/x-y.py"};
  const Names counted{"src/a.py", "src/lib/b.py", "src/x-y.py"};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(scan(all), counted) << i;
  EXPECT_EQ(scan({"src/a.css", "src/b.py", "src/x-y.py"}), (Names{"src/b.py", "src/x-y.py"}));
  EXPECT_EQ(scan({}), Names{});
  EXPECT_EQ(scan(all), counted);
}

TEST_F(ListerTest, ListsLinksThatAreNotExcluded) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(scan({"src/a.py->", "src/x->", "web/lib->", "src/a.pyc->"}),
              (Names{"src/a.py", "src/x", "web/lib"}));
  }
}

TEST_F(ListerTest, DropsAScanThatHasNotEnded) {
  lister_.begin();
  lister_.add("src/a.py", {});
  EXPECT_EQ(scan({"src/c.py"}), Names{"src/c.py"});
}

TEST_F(ListerTest, KeepsTheMarkOfAFileThatCannotBeRead) {
  scan({"src/a.py", "src/b.py"});
  lister_.begin();
  for (const char* name : {"src/a.py", "src/aa.py", "src/b.py"}) lister_.keep(name);
  EXPECT_EQ(*lister_.end(), *files_);
}

TEST_F(ListerTest, APrefixIsForTheGlobsAlone) {
  lister_ = Lister(Scope({.patterns = {"src/*.py"}}, std::vector<std::string>{}), "src/");
  EXPECT_EQ(scan({"a.py", "b.css", "c/d.py"}), Names{"a.py"});
}

}  // namespace
}  // namespace hpp::watchd::poll
