#include "ctl/core/log_view.h"

#include <gtest/gtest.h>

#include "common/bus/output_record.h"

namespace hpp::ctl {
namespace {

using bus::OutputStream;
using bus::write_record;
using Format = LogView::Format;

constexpr std::int64_t kNoon = 1'700'000'000'007;

std::string log() {
  return write_record(
             {.at_ms = kNoon, .generation = 1, .stream = OutputStream::Stdout, .text = "one"}) +
         write_record({.at_ms = kNoon + 1000,
                       .generation = 2,
                       .stream = OutputStream::Stderr,
                       .text = "\x1b[31mtwo\x1b[0m"});
}

LogView make(LogSelection selection = {}, Format format = Format::Text) {
  return {selection, format,
          [](std::int64_t at_ms) { return "noon + " + std::to_string(at_ms - kNoon); }};
}

TEST(LogView, ShowsRecordsAsLines) {
  LogView view = make();
  EXPECT_EQ(view.take(log()),
            "noon + 0 #1 stdout one\n"
            "noon + 1000 #2 stderr \x1b[31mtwo\x1b[0m\n");
}

TEST(LogView, TheTextInJsonHasNoColours) {
  LogView view = make({}, Format::Json);
  const std::string shown = view.take(log());
  EXPECT_EQ(bus::read_record(shown.substr(shown.find('\n') + 1))->text, "two");
}

TEST(LogView, SelectsByGenerationAndTime) {
  LogView first = make({.generation = 1});
  EXPECT_EQ(first.take(log()), "noon + 0 #1 stdout one\n");
  LogView newest = make({.since_ms = kNoon + 1});
  EXPECT_EQ(newest.take(log()), "noon + 1000 #2 stderr \x1b[31mtwo\x1b[0m\n");
}

TEST(LogView, TakesTheLogInPieces) {
  LogView whole = make();
  LogView view = make();
  std::string shown;
  for (const char byte : log()) shown += view.take({&byte, 1});
  EXPECT_EQ(shown, whole.take(log()));
}

TEST(LogView, PassesOverALineThatIsNoRecord) {
  LogView view = make({.generation = 1});
  EXPECT_EQ(view.take("{\"at_ms\":17000\n" + log()), "noon + 0 #1 stdout one\n");
}

TEST(LastLines, AreAtMostSoMany) {
  EXPECT_EQ(last_lines("a\nb\n\nc\n", 2), "\nc\n");
  EXPECT_EQ(last_lines("a\nb\n", 1), "b\n");
  EXPECT_EQ(last_lines("a\nb\n", 2), "a\nb\n");
  EXPECT_EQ(last_lines("a\nb\n", SIZE_MAX), "a\nb\n");
  EXPECT_EQ(last_lines("\n\n", 1), "\n");
  EXPECT_EQ(last_lines("\n", 1), "\n");
  EXPECT_EQ(last_lines("", 1), "");
}

}  // namespace
}  // namespace hpp::ctl
