#include "supervisord/core/file_marks.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

TEST(FileMarks, CoverWhatAWrapperOrAnInterpreterReads) {
  for (const char* const name :
       {"package.json", ".env", ".env.local", ".env-cmdrc.js", "pyproject.toml", "uv.lock",
        "Gemfile", "Makefile", "run.sh", ".npmrc", "manage"}) {
    EXPECT_TRUE(is_read_early(name)) << name;
  }
  for (const char* const name : {"app.py", "server.js", "config.ru", "index.html", "index.hbs",
                                 "de.po", "db.sqlite3", "db.sqlite3-journal", "server.log",
                                 "logo.svg", ".app.py.swp", "4913", ".watchman-cookie-host-1-2"}) {
    EXPECT_FALSE(is_read_early(name)) << name;
  }
}

TEST(FileMarks, DifferByEachOfTheirMembers) {
  const FileMark mark{.device = 1, .inode = 2, .size = 3, .mtime_ns = 4};
  const FileMarks before{{".env", mark}, {"a.json", mark}};
  EXPECT_EQ(first_difference(before, before), "");
  for (int member = 0; member < 4; ++member) {
    FileMark other = mark;
    if (member == 0) ++other.device;
    if (member == 1) ++other.inode;
    if (member == 2) ++other.size;
    if (member == 3) ++other.mtime_ns;
    EXPECT_EQ(first_difference(before, {{".env", mark}, {"a.json", other}}), "a.json");
  }
}

TEST(FileMarks, DifferIfAFileAppearsOrDisappears) {
  const FileMarks one{{".env", {}}};
  EXPECT_EQ(first_difference({}, one), ".env");
  EXPECT_EQ(first_difference(one, {}), ".env");
  EXPECT_EQ(first_difference({}, {}), "");
}

}  // namespace
}  // namespace hpp::supervisord
