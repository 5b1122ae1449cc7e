#include "common/errors/core/source_excerpt.h"

#include <gtest/gtest.h>

namespace hpp::errors {
namespace {

std::string lines(int first, int last) {
  std::string text;
  for (int i = first; i <= last; ++i) text += std::to_string(i) + '\n';
  return text;
}

TEST(SourceExcerpt, ContainsTheLinesAroundOne) {
  const std::string file = lines(1, 100);
  EXPECT_EQ(source_excerpt(file, 50), (SourceExcerpt{.text = lines(45, 54), .first_line = 45}));
  EXPECT_EQ(source_excerpt(file, 1), (SourceExcerpt{.text = lines(1, 5), .first_line = 1}));
  EXPECT_EQ(source_excerpt(file, 100), (SourceExcerpt{.text = lines(95, 100), .first_line = 95}));
  EXPECT_EQ(source_excerpt("a\r\nb", 2), (SourceExcerpt{.text = "a\nb\n", .first_line = 1}));
}

TEST(SourceExcerpt, IsEmptyIfTheLineDoesNotExist) {
  EXPECT_EQ(source_excerpt(lines(1, 3), 4), SourceExcerpt{});
  EXPECT_EQ(source_excerpt(lines(1, 3), 0), SourceExcerpt{});
  EXPECT_EQ(source_excerpt("", 1), SourceExcerpt{});
}

TEST(SourceExcerpt, ShowsNoBinaryFile) {
  EXPECT_EQ(source_excerpt(std::string_view("a\0b\n", 4), 1), SourceExcerpt{});
}

TEST(SourceExcerpt, CutsLongLines) {
  EXPECT_EQ(source_excerpt(std::string(10'000, 'x'), 1).text,
            std::string(kSourceLineMax, 'x') + '\n');
}

}  // namespace
}  // namespace hpp::errors
