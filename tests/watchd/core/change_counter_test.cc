#include "watchd/core/change_counter.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hpp::watchd {
namespace {

using Names = std::vector<std::string>;

class ChangeCounterTest : public testing::Test {
 protected:
  void add_files(const std::vector<ChangedFile>& reported) {
    counter_.count_for_backend(counter_.count_for_browsers(counter_.news_of(reported), tree_),
                               tree_);
  }

  void count_files(const std::vector<ChangedFile>& batch) {
    add_files(batch);
    counter_.end_batch();
  }

  void count(const Names& names) {
    std::vector<ChangedFile> batch;
    for (const std::string& name : names) batch.push_back({.name = name});
    count_files(batch);
  }

  ChangeCounter counter_{{.css = {"*.css"}, .reload = {"*.html"}}};
  bus::TreeState tree_;
};

TEST_F(ChangeCounterTest, EachBatchIsOneRevision) {
  count(Names{"a.py"});
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 1, .changed = {"a.py"}, .changed_count = 1}));
  count(Names{"b.py", "c.py"});
  EXPECT_EQ(tree_,
            (bus::TreeState{.revision = 2, .changed = {"b.py", "c.py"}, .changed_count = 2}));
  count(Names{});
  EXPECT_EQ(tree_.revision, 2U);
}

TEST_F(ChangeCounterTest, AllReportsBeforeAPublicationAreOneBatch) {
  count(Names{"old.py", "old.css"});
  add_files({{.name = "a.py"}, {.name = "a.css"}, {.name = "temporary", .exists = false}});
  add_files({{.name = "b.py"}, {.name = "a.py"}, {.name = "a.html"}});
  EXPECT_EQ(tree_.revision, 2U);
  EXPECT_EQ(tree_.changed, (Names{"a.py", "temporary", "b.py"}));
  EXPECT_EQ(tree_.changed_count, 3U);
  EXPECT_EQ(
      tree_.refresh,
      (bus::Refresh{
          .count = 2, .css = {"a.css"}, .css_count = 1, .reload = {"a.html"}, .reload_count = 1}));
}

TEST_F(ChangeCounterTest, ABatchWithAnUnknownChangeNamesNoFiles) {
  add_files({{.name = "a.py"}});
  counter_.count_unknown(tree_);
  add_files({{.name = "b.py"}});
  EXPECT_EQ(tree_, bus::TreeState{.revision = 1});
}

TEST_F(ChangeCounterTest, FilesThatConcernOnlyBrowsersCountAsRefresh) {
  count(Names{"a.css"});
  count(Names{"a.html", "b.css"});
  EXPECT_EQ(tree_, (bus::TreeState{.refresh = {.count = 2,
                                               .css = {"b.css"},
                                               .css_count = 1,
                                               .reload = {"a.html"},
                                               .reload_count = 1}}));
}

TEST_F(ChangeCounterTest, ABatchWithBothKindsCountsInBoth) {
  count(Names{"a.css", "a.py", "b.css"});
  const bus::Refresh refresh{.count = 1, .css = {"a.css", "b.css"}, .css_count = 2};
  EXPECT_EQ(
      tree_,
      (bus::TreeState{.revision = 1, .changed = {"a.py"}, .changed_count = 1, .refresh = refresh}));
  count(Names{"b.py"});
  EXPECT_EQ(tree_.revision, 2U);
  EXPECT_EQ(tree_.refresh, refresh);
}

TEST_F(ChangeCounterTest, ALargeBatchIsCountedCompletelyButNamedInPart) {
  Names names;
  for (int i = 0; i < 5000; ++i) names.push_back("f" + std::to_string(i));
  for (int i = 0; i < 30; ++i) names.push_back(std::to_string(i) + ".css");
  count(names);
  EXPECT_EQ(tree_.revision, 1U);
  EXPECT_EQ(tree_.changed_count, 5000U);
  EXPECT_EQ(tree_.changed.size(), bus::kChangedPathsMax);
  EXPECT_EQ(tree_.changed.back(), "f19");
  EXPECT_EQ(tree_.refresh.css.size(), bus::kChangedPathsMax);
  EXPECT_EQ(tree_.refresh.css_count, 30U);
}

TEST_F(ChangeCounterTest, AnUnknownChangeHasNoNames) {
  count(Names{"a.py", "a.css"});
  counter_.count_unknown(tree_);
  EXPECT_EQ(tree_.revision, 2U);
  EXPECT_EQ(tree_.changed, Names{});
  EXPECT_EQ(tree_.changed_count, 0U);
  EXPECT_EQ(tree_.refresh.count, 1U);
}

TEST_F(ChangeCounterTest, FilesThatExistAreNamedFirst) {
  count_files({{.name = "sedeszpX3", .exists = false, .is_new = true},
               {.name = "old.py", .exists = false},
               {.name = "app.py"},
               {.name = "new.py", .is_new = true}});
  EXPECT_EQ(tree_.revision, 1U);
  EXPECT_EQ(tree_.changed, (Names{"app.py", "new.py", "old.py"}));
  EXPECT_EQ(tree_.changed_count, 3U) << "without the file that was created and deleted";
}

TEST_F(ChangeCounterTest, CreatedAndDeletedFilesCountWithoutAName) {
  count_files({{.name = "4913", .exists = false, .is_new = true},
               {.name = "sedeszpX3", .exists = false, .is_new = true}});
  EXPECT_EQ(tree_.revision, 1U) << "a backend that was starting may have read them";
  EXPECT_EQ(tree_.changed, Names{});
  EXPECT_EQ(tree_.changed_count, 2U);
  count(Names{"4913"});
  EXPECT_EQ(tree_.changed, Names{"4913"}) << "now the file exists";
}

// ---- saves that change nothing ------------------------------------------------------------------

class IgnoreUnchanged : public ChangeCounterTest {
 protected:
  IgnoreUnchanged() {
    counter_ = ChangeCounter({.ignore_unchanged = true});
    counter_.learn({{.name = "a.py", .digest = kOld}});
  }

  // Reports a save of a file with this digest. Returns the revision after it.
  std::uint64_t save(const char* name, std::optional<std::uint64_t> digest) {
    count_files({{.name = name, .digest = digest}});
    return tree_.revision;
  }

  static constexpr std::uint64_t kOld = 1;
  static constexpr std::uint64_t kNew = 2;
};

TEST_F(IgnoreUnchanged, CountsOnlyNewContents) {
  EXPECT_EQ(save("a.py", kOld), 0U);
  EXPECT_EQ(save("a.py", kNew), 1U);
  EXPECT_EQ(save("a.py", kNew), 1U);
  EXPECT_EQ(save("a.py", kOld), 2U) << "going back to an older content is a change, too";
}

TEST_F(IgnoreUnchanged, CountsNewFilesAndDeletedOnes) {
  EXPECT_EQ(save("b.py", kOld), 1U);
  EXPECT_EQ(save("b.py", {}), 2U);
  EXPECT_EQ(save("b.py", kOld), 3U);
}

TEST_F(IgnoreUnchanged, CountsUnreadableFiles) {
  EXPECT_EQ(save("a.py", {}), 1U);
  EXPECT_EQ(save("a.py", {}), 2U);
  EXPECT_EQ(save("a.py", kOld), 3U) << "the earlier content is forgotten";
}

TEST_F(IgnoreUnchanged, ForgetsAllContentsAfterAnUnknownChange) {
  counter_.count_unknown(tree_);
  counter_.end_batch();
  EXPECT_EQ(save("a.py", kOld), 2U);
}

}  // namespace
}  // namespace hpp::watchd
