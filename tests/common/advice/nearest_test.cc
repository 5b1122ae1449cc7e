#include "common/advice/nearest.h"

#include <gtest/gtest.h>

namespace hpp::advice {
namespace {

using Words = std::vector<std::string>;

const Words kOptions{"--pattern", "--exclude",    "--css",  "--reload", "--ready",
                     "--root",    "--ready-path", "--warm", "--name",   "--clear"};

TEST(Nearest, FindsAMisspelledWord) {
  const std::pair<const char*, const char*> cases[] = {
      {"--patern", "--pattern"},  {"--patterns", "--pattern"}, {"--pattren", "--pattern"},
      {"--exlude", "--exclude"},  {"--Pattern", "--pattern"},  {"--ready_path", "--ready-path"},
      {"--excldue", "--exclude"}, {"--cs", "--css"},           {"--relaod", "--reload"},
      {"--warn", "--warm"},       {"--pat", "--pattern"},      {"--roots", "--root"},
  };
  for (const auto& [word, expected] : cases) {
    EXPECT_EQ(nearest(word, kOptions), expected) << word;
  }
}

TEST(Nearest, FindsNothingThatIsFar) {
  for (const char* word : {"--port", "--x", "--", "", "--watch", "--re", "pattern-of-words"}) {
    EXPECT_EQ(nearest(word, kOptions), std::nullopt) << word;
  }
  EXPECT_EQ(nearest(std::string(10'000, 'a'), Words{std::string(10'000, 'a')}), std::nullopt);
}

TEST(Nearest, ABeginningMustBeOfOneWordOnly) {
  EXPECT_EQ(nearest("inot", Words{"inotify", "watchman"}), "inotify");
  EXPECT_EQ(nearest("watch", Words{"watchdogs-all", "watchman-one"}), std::nullopt);
}

TEST(Nearest, TheNearestWins) {
  EXPECT_EQ(nearest("statsu", Words{"stats", "status"}), "stats");
  EXPECT_EQ(nearest("statu", Words{"stats", "status"}), "stats");
  EXPECT_EQ(nearest("status", Words{"stats", "status"}), "status");
}

TEST(DidYouMean, IsASentenceOrNothing) {
  EXPECT_EQ(did_you_mean("--patern", kOptions), " Did you mean --pattern?");
  EXPECT_EQ(did_you_mean("--port", kOptions), "");
}

}  // namespace
}  // namespace hpp::advice
