#include "common/bus/output_record.h"

#include <gtest/gtest.h>

namespace hpp::bus {
namespace {

TEST(OutputRecord, IsReadAsItWasWritten) {
  for (const OutputStream stream :
       {OutputStream::Stdout, OutputStream::Stderr, OutputStream::Build, OutputStream::Hpp}) {
    const OutputRecord record{
        .at_ms = 1'700'000'000'123, .generation = 7, .stream = stream, .text = "a \"b\"\té"};
    EXPECT_EQ(read_record(write_record(record)), record);
  }
}

TEST(OutputRecord, IsOneLineOfJson) {
  EXPECT_EQ(
      write_record({.at_ms = 5, .generation = 2, .stream = OutputStream::Stderr, .text = "a\nb"}),
      "{\"at_ms\":5,\"generation\":2,\"stream\":\"stderr\",\"text\":\"a\\nb\"}\n");
  EXPECT_EQ(read_record(write_record({.text = "\xff"}))->text, "\xef\xbf\xbd");
}

TEST(OutputRecord, EverythingElseIsRefused) {
  for (const char* const line : {
           "",
           "{",
           "[]",
           "7",
           R"({"at_ms":1,"generation":1,"stream":"stdout"})",
           R"({"at_ms":1,"generation":1,"stream":"other","text":""})",
           R"({"at_ms":-1,"generation":1,"stream":"stdout","text":""})",
           R"({"at_ms":99999999999999999,"generation":1,"stream":"stdout","text":""})",
           R"({"at_ms":1,"generation":"1","stream":"stdout","text":""})",
           R"({"at_ms":1,"generation":1,"stream":"stdout","text":7})",
       }) {
    EXPECT_EQ(read_record(line), std::nullopt) << line;
  }
}

}  // namespace
}  // namespace hpp::bus
