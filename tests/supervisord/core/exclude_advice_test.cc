#include "supervisord/core/exclude_advice.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using Words = std::vector<std::string>;

TEST(ExcludeAdvice, NamesASingleFile) {
  EXPECT_EQ(globs_to_exclude({"db.sqlite3"}), Words{"db.sqlite3"});
  EXPECT_EQ(globs_to_exclude({"db.sqlite3", "var/log.txt"}), (Words{"db.sqlite3", "var/log.txt"}));
  EXPECT_EQ(globs_to_exclude({".env"}), Words{".env"}) << "a hidden file is not a folder";
  EXPECT_EQ(globs_to_exclude({"a.db", "b.db"}), (Words{"a.db", "b.db"}))
      << "the project folder is not excluded";
}

TEST(ExcludeAdvice, NamesAFolder) {
  EXPECT_EQ(globs_to_exclude({"var/cache/"}), Words{"var/cache/**"});
  EXPECT_EQ(globs_to_exclude({"log[1]/"}), Words{R"(log\[1\]/**)"});
}

TEST(ExcludeAdvice, NamesTheFolderInsteadOfManyFiles) {
  EXPECT_EQ(globs_to_exclude({"app/a.gen.py", "app/b.gen.py"}),
            (Words{"app/a.gen.py", "app/b.gen.py"}))
      << "app/ may hold sources as well";
  EXPECT_EQ(globs_to_exclude({"dist/1", "dist/2", "x", "dist/3", "dist/4", "dist/5"}),
            (Words{"dist/**", "x"}));
  EXPECT_EQ(globs_to_exclude({"1", "2", "3", "4", "5"}), (Words{"1", "2", "3", "4", "5"}))
      << "the project folder is not excluded";
  EXPECT_EQ(globs_to_exclude({"var/a", "var/a"}), Words{"var/a"});
}

TEST(ExcludeAdvice, NamesAHiddenFolderEvenForOneFile) {
  EXPECT_EQ(globs_to_exclude({".next/server/app/page.js"}), Words{".next/**"});
  EXPECT_EQ(globs_to_exclude({"web/.output/a/b", "web/.output/a/c"}), Words{"web/.output/**"});
}

TEST(ExcludeAdvice, IsQuotedForTheShell) {
  EXPECT_EQ(exclude_option({"db.sqlite3", ".next/**", "it's"}),
            R"(--exclude db.sqlite3 '.next/**' 'it'\''s')");
}

}  // namespace
}  // namespace hpp::supervisord
