#include "supervisord/core/restart_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RestartLoop, IsOneFileFourTimesInARow) {
  RestartLoop loop;
  for (int i = 1; i < kLoopRestarts; ++i) EXPECT_THAT(loop.on_restart({"a"}, {}), IsEmpty());
  EXPECT_THAT(loop.on_restart({"a"}, kLoopWindow), HasSubstr("--exclude a"));
  EXPECT_THAT(loop.on_restart({"a"}, {}), IsEmpty()) << "once is enough";
}

TEST(RestartLoop, IsNoneForADeveloperWhoLooksBetweenTwoSaves) {
  RestartLoop loop;
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(loop.on_restart({"a"}, kLoopWindow + milliseconds(1)), IsEmpty());
  }
}

TEST(RestartLoop, IsNoneForDifferentFiles) {
  RestartLoop loop;
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(loop.on_restart({std::to_string(i % 3)}, {}), IsEmpty());
  }
}

TEST(RestartLoop, NamesWhatChangedEachTimeAsTheShellWantsIt) {
  RestartLoop loop;
  for (int i = 1; i < kLoopRestarts; ++i) {
    EXPECT_THAT(loop.on_restart({"log/[1].txt", "it's", std::to_string(i)}, {}), IsEmpty());
  }
  EXPECT_THAT(loop.on_restart({"other", "log/[1].txt", "it's"}, {}),
              HasSubstr(R"(: --exclude 'log/\[1\].txt' 'it'\''s')"));
}

TEST(RestartLoop, AdvisesAFolderOnceForAllFilesInIt) {
  RestartLoop loop;
  for (int i = 1; i < kLoopRestarts; ++i)
    EXPECT_THAT(loop.on_restart({".next/trace"}, {}), IsEmpty());
  EXPECT_THAT(loop.on_restart({".next/trace"}, {}), HasSubstr("--exclude '.next/**'"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(loop.on_restart({".next/server/page.js"}, {}), IsEmpty()) << i;
  }
}

TEST(RestartLoop, AdvisesOneOptionForAllThatWasFound) {
  RestartLoop loop;
  for (int i = 1; i < kLoopRestarts; ++i)
    EXPECT_THAT(loop.on_restart({"db.sqlite3"}, {}), IsEmpty());
  EXPECT_THAT(loop.on_restart({"db.sqlite3"}, {}), HasSubstr("--exclude db.sqlite3"));
  for (int i = 1; i < kLoopRestarts; ++i) EXPECT_THAT(loop.on_restart({"log/a"}, {}), IsEmpty());
  EXPECT_THAT(loop.on_restart({"log/a"}, {}), HasSubstr("--exclude db.sqlite3 log/a"));
}

TEST(RestartLoop, OfFilesThatNobodyNamedIsNotGuessed) {
  RestartLoop loop;
  for (int i = 0; i < 20; ++i) EXPECT_THAT(loop.on_restart({}, {}), IsEmpty());
}

}  // namespace
}  // namespace hpp::supervisord
