#include "common/escape_sequence.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp {
namespace {

TEST(EscapeSequence, SizeIncludesTheLastByte) {
  const std::string_view sequences[] = {
      "\x1b[31m",
      "\x1b[m",
      "\x1b[?1049h",
      "\x1b[1 q",
      "\x1b]0;title\x07",
      "\x1b]8;;\x1b\\",
      "\x1bP1;2|x\x1b\\",
      "\x1b(B",
      "\x1b"
      "7",
  };
  for (const std::string_view sequence : sequences) {
    EXPECT_EQ(escape_sequence_size(std::string(sequence) + "text"), sequence.size())
        << sequence.substr(1);
    EXPECT_EQ(escape_sequence_size(sequence), sequence.size()) << sequence.substr(1);
  }
}

TEST(EscapeSequence, SizeOfAnIncompleteSequenceIsThatOfTheText) {
  for (const std::string_view sequence : {"\x1b", "\x1b[", "\x1b[31", "\x1b]0;title", "\x1b("}) {
    EXPECT_EQ(escape_sequence_size(sequence), sequence.size());
  }
}

TEST(EscapeSequence, OnlyColourSequencesHaveSgrParameters) {
  EXPECT_EQ(sgr_parameters("\x1b[m"), "");
  EXPECT_EQ(sgr_parameters("\x1b[1;38:5:9m"), "1;38:5:9");
  for (const std::string_view sequence :
       {"\x1b[>4;2m", "\x1b[1 m", "\x1b[2J", "\x1b[31", "\x1bm", "\x1b]0;m"}) {
    EXPECT_EQ(sgr_parameters(sequence), std::nullopt) << sequence.substr(1);
  }
}

}  // namespace
}  // namespace hpp
