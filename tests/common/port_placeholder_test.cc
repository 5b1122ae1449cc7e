#include "common/port_placeholder.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

using Words = std::vector<std::string>;

TEST(FillInPort, ReplacesEachPlaceholder) {
  Words words{"x", "{PORT}", "--bind=0.0.0.0:{PORT}", "{PORT}{PORT}", "{port}", "PORT", "{PORT"};
  fill_in_port(words, 8001);
  EXPECT_EQ(words,
            (Words{"x", "8001", "--bind=0.0.0.0:8001", "80018001", "{port}", "PORT", "{PORT"}));
}

TEST(FillInPort, LeavesTheVariableOfAShell) {
  Words words{"sh", "-c", "x ${PORT} {PORT} ${PORT}"};
  fill_in_port(words, 1);
  EXPECT_EQ(words, (Words{"sh", "-c", "x ${PORT} 1 ${PORT}"}));
}

}  // namespace
}  // namespace hpp
