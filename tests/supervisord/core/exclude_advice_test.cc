#include "supervisord/core/exclude_advice.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using Words = std::vector<std::string>;

TEST(ExcludeAdvice, NamesAFileThatStandsAlone) {
  EXPECT_EQ(globs_to_exclude({"db.sqlite3"}), Words{"db.sqlite3"});
  EXPECT_EQ(globs_to_exclude({"db.sqlite3", "var/log.txt"}), (Words{"db.sqlite3", "var/log.txt"}));
  EXPECT_EQ(globs_to_exclude({".env"}), Words{".env"}) << "a hidden file is not a folder";
  EXPECT_EQ(globs_to_exclude({"a.db", "b.db"}), (Words{"a.db", "b.db"}))
      << "the project folder is not excluded";
}

TEST(ExcludeAdvice, NamesTheDeepestFolderThatSeveralFilesShare) {
  EXPECT_EQ(globs_to_exclude({"var/cache/a", "var/cache/b"}), Words{"var/cache/**"});
  EXPECT_EQ(globs_to_exclude({"var/cache/a", "var/log/b"}), Words{"var/**"});
  EXPECT_EQ(globs_to_exclude({"var/a", "db.sqlite3", "var/log/b"}),
            (Words{"var/**", "db.sqlite3"}));
  EXPECT_EQ(globs_to_exclude({"var/a", "variant/b"}), (Words{"var/a", "variant/b"}))
      << "the common start of two names is not a folder";
  EXPECT_EQ(globs_to_exclude({"var/a", "var/a"}), Words{"var/a"});
}

TEST(ExcludeAdvice, NamesAHiddenFolderEvenForOneFile) {
  EXPECT_EQ(globs_to_exclude({".next/server/app/page.js"}), Words{".next/**"});
  EXPECT_EQ(globs_to_exclude({"web/.output/a/b", "web/.output/a/c"}), Words{"web/.output/**"});
}

TEST(ExcludeAdvice, IsWrittenAsTheShellWantsIt) {
  EXPECT_EQ(exclude_option({"db.sqlite3", ".next/**", "it's"}),
            R"(--exclude db.sqlite3 '.next/**' 'it'\''s')");
  EXPECT_EQ(globs_to_exclude({"log[1]/a", "log[1]/b"}), Words{R"(log\[1\]/**)"});
}

}  // namespace
}  // namespace hpp::supervisord
