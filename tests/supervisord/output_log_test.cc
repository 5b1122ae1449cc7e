#include "supervisord/output_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "common/clock.h"
#include "common/os/file.h"
#include "common/take_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::supervisord {
namespace {

using bus::OutputRecord;
using bus::OutputStream;

class OutputLogTest : public testing::Test {
 protected:
  // `#1 stderr text` for each record of the file.
  std::vector<std::string> records(const std::string& name = "supervisord.log") const {
    std::vector<std::string> shown;
    const std::string text = read_file(directory_ / name).value_or("");
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto record = bus::read_record(take_until('\n', rest));
      if (!record) {
        ADD_FAILURE() << "not a record in " << text;
        continue;
      }
      EXPECT_LT(wall_ms() - record->at_ms, 60'000);
      shown.push_back('#' + std::to_string(record->generation) + ' ' +
                      std::string(to_string(record->stream)) + ' ' + record->text);
    }
    return shown;
  }

  OutputLog make(bool resumes) const {
    return OutputLog(directory_.path(), bus::Topic::Backend, resumes);
  }

  TemporaryDirectory directory_;
};

using Shown = std::vector<std::string>;

TEST_F(OutputLogTest, AttributesLinesToStreamsAndGenerations) {
  OutputLog log = make(false);
  log.write(OutputStream::Build, "cc main.c\n");
  log.begin(1);
  log.write(OutputStream::Stdout, "hel");
  log.write(OutputStream::Stderr, "warning\n");
  log.write(OutputStream::Stdout, "lo\nwithout an end");
  log.begin(2);
  log.write(OutputStream::Hpp, "Loading\n");
  EXPECT_EQ(records(), (Shown{"#0 build cc main.c", "#1 stderr warning", "#1 stdout hello",
                              "#1 stdout without an end", "#2 hpp Loading"}));
}

TEST_F(OutputLogTest, ContinuesTheLogOfACrashedSupervisordOnly) {
  {
    OutputLog log = make(false);
    log.write(OutputStream::Stdout, "first\n");
  }
  {
    OutputLog log = make(true);
    log.write(OutputStream::Stdout, "second\n");
  }
  EXPECT_EQ(records(), (Shown{"#0 stdout first", "#0 stdout second"}));
  OutputLog log = make(false);
  EXPECT_EQ(records(), Shown{});
}

TEST_F(OutputLogTest, IsBounded) {
  OutputLog log = make(false);
  const std::string line(1000, 'x');
  for (int i = 0; i < 3500; ++i) log.write(OutputStream::Stdout, std::to_string(i) + line + '\n');
  const auto newest = records();
  const auto old = records("supervisord.old.log");
  EXPECT_TRUE(newest.back().starts_with("#0 stdout 3499x"));
  EXPECT_TRUE(old.back().starts_with("#0 stdout " + std::to_string(3499 - newest.size()) + 'x'));
  for (const char* const name : {"supervisord.log", "supervisord.old.log"}) {
    EXPECT_LE(std::filesystem::file_size(directory_ / name), OutputLog::kFileMax);

    struct stat info {};

    ASSERT_EQ(::stat((directory_ / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
  }
}

TEST_F(OutputLogTest, GoesOnInANewFileIfItsFileIsDeleted) {
  OutputLog log = make(false);
  log.write(OutputStream::Stdout, "before\n");
  std::filesystem::remove(directory_ / "supervisord.log");
  log.begin(2);
  log.write(OutputStream::Stdout, "after\n");
  EXPECT_EQ(records(), Shown{"#2 stdout after"});
}

// Another file is neither written nor replaced.
TEST_F(OutputLogTest, DoesNotFollowALink) {
  ASSERT_EQ(::symlink("elsewhere", (directory_ / "supervisord.log").c_str()), 0);
  testing::internal::CaptureStderr();
  OutputLog log = make(true);
  log.write(OutputStream::Stdout, "text\n");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("hpp-ctl log lacks the output"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));
}

}  // namespace
}  // namespace hpp::supervisord
