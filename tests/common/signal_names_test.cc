#include "common/signal_names.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>

namespace hpp {
namespace {

TEST(SignalNames, EachNameHasItsNumber) {
  for (int number = 1; number < NSIG; ++number) {
    const std::string name(signal_name(number));
    if (!name.empty()) {
      EXPECT_EQ(signal_number(name), number);
      EXPECT_EQ(signal_number("SIG" + name), number);
    }
#ifdef __GLIBC__
    const char* const known = ::sigabbrev_np(number);
    EXPECT_EQ(name, known == nullptr ? "" : known) << number;
#endif
  }
}

TEST(SignalNames, ANumberIsFoundInUpperAndLowerCase) {
  for (const char* const name : {"TERM", "term", "SIGTERM", "sigTerm"}) {
    EXPECT_EQ(signal_number(name), SIGTERM) << name;
  }
}

TEST(SignalNames, OtherTextIsNoSignal) {
  for (const char* const name : {"", "SIG", "SIGSIGTERM", "NONE", "15", "TER", " TERM"}) {
    EXPECT_EQ(signal_number(name), 0) << name;
  }
  for (const int number : {-1, 0, 40, NSIG}) EXPECT_EQ(signal_name(number), "") << number;
}

}  // namespace
}  // namespace hpp
