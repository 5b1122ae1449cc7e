#include "common/notification.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(Notification, ParsesEachField) {
  EXPECT_EQ(read_notification("READY=1"), Notification{.is_ready = true});
  EXPECT_EQ(read_notification("READY=1\nWATCHDOG=1\n"),
            (Notification{.is_ready = true, .is_alive = true}));
  EXPECT_EQ(read_notification("FDSTORE=1\nFDNAME=listen\nFDPOLL=0"),
            (Notification{.stores_fds = true, .name = "listen"}));
  EXPECT_EQ(read_notification("FDNAME=backend\nFDSTOREREMOVE=1"),
            (Notification{.removes_fds = true, .name = "backend"}));
  EXPECT_EQ(read_notification("STATUS=READY=1\nERRNO=2"), Notification{.status = "READY=1"});
}

TEST(Notification, IgnoresUnknownLines) {
  for (const char* text : {"", "\n", "\n\n", "READY=0", "READY=11", "ready=1", " STATUS=x", "X",
                           "=", "MAINPID=1\nSTOPPING=1"}) {
    EXPECT_EQ(read_notification(text), Notification{}) << text;
  }
}

TEST(Notification, UsesSystemdsDefaultNameForAMissingOrInvalidName) {
  EXPECT_EQ(read_notification("FDSTORE=1").name, "stored");
  for (const std::string& name :
       {std::string{"two:names"}, std::string{"t\tab"}, std::string{"é"}, std::string(256, 'x')}) {
    EXPECT_EQ(read_notification("FDSTORE=1\nFDNAME=" + name).name, "stored") << name;
  }
  EXPECT_EQ(read_notification("FDNAME=" + std::string(255, 'x')).name, std::string(255, 'x'));
}

}  // namespace
}  // namespace hpp
