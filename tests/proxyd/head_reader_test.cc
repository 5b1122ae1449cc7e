#include "proxyd/head_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hpp::proxyd {
namespace {

// Makes a buffer of separate pieces, as they arrive from a socket.
void append(Buffer& buffer, const std::vector<std::string>& pieces) {
  for (const std::string& piece : pieces) {
    Buffer one;
    one.append(piece);
    one.move_to(buffer, one.size());
  }
}

std::string content(Buffer& buffer) {
  return std::string(buffer.pull_up(buffer.size()));
}

TEST(FindRequest, DropsTheEmptyLinesBeforeIt) {
  struct Case {
    std::vector<std::string> pieces;
    bool is_there;
    std::string left;
  };

  const Case cases[] = {
      {{}, false, ""},
      {{"\r\n"}, false, ""},
      {{"\r\n\r\n\r"}, false, "\r"},
      {{"\r"}, false, "\r"},
      {{"\r", "\n"}, false, ""},
      {{"\r\n\r", "\nGET"}, true, "GET"},
      {{"\r", "\n", "\r", "\n", "G", "ET"}, true, "GET"},
      {{"GET / HTTP/1.1\r\n\r\n"}, true, "GET / HTTP/1.1\r\n\r\n"},
      {{"\r\r\n"}, true, "\r\r\n"},
      {{"\rG"}, true, "\rG"},
      {{"\n"}, true, "\n"},
      {{std::string(1'000'000, '\n')}, true, std::string(1'000'000, '\n')},
  };
  for (const Case& one : cases) {
    Buffer buffer;
    append(buffer, one.pieces);
    EXPECT_EQ(find_request(buffer), one.is_there) << one.left.substr(0, 100);
    EXPECT_EQ(content(buffer), one.left);
  }
}

TEST(ReadHead, JoinsThePieces) {
  Buffer buffer;
  append(buffer, {"GET / HT", "TP/1.1\r\nHost: a\r\n\r", "\nGET"});
  RequestParser parser;
  parser.start();
  EXPECT_EQ(read_head(parser, buffer), HeadResult(HeadRead{27}));
  EXPECT_EQ(parser.head().target, "/");
}

}  // namespace
}  // namespace hpp::proxyd
