#include "common/errors/core/source_place.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp::errors {
namespace {

const std::vector<SourceRoot> kRoots{{.path = "/home/ada/shop", .name = ""},
                                     {.path = "/srv/ada/shop", .name = ""},
                                     {.path = "/home/ada/money", .name = "../money"}};

// The file, with a star before a foreign one; `no` for a text that is no file.
std::string place(std::string_view printed) {
  const auto found = source_place(printed, kRoots);
  return found ? (found->is_foreign ? "*" : "") + found->file : "no";
}

TEST(SourcePlace, FilesOfTheProjectAreRelative) {
  EXPECT_EQ(place("/home/ada/shop/app.py"), "app.py");
  EXPECT_EQ(place("/srv/ada/shop/web/app.py"), "web/app.py");
  EXPECT_EQ(place("./src/main.rs"), "src/main.rs");
  EXPECT_EQ(place("src//a/../main.rs"), "src/main.rs");
  EXPECT_EQ(place("/home/ada/money/tax.py"), "../money/tax.py");
  EXPECT_EQ(place("../money/tax.py"), "../money/tax.py");
  EXPECT_EQ(place("a b.py"), "a b.py");
}

TEST(SourcePlace, AddressesOfFilesAreDecoded) {
  EXPECT_EQ(place("file:///home/ada/shop/a%20b.mjs"), "a b.mjs");
  EXPECT_EQ(place("file:///home/ada/shop/a.mjs?t=123#x"), "a.mjs");
  EXPECT_EQ(place("file:///home/ada/shop/100%.mjs"), "100%.mjs");
}

TEST(SourcePlace, OtherFilesAreForeign) {
  EXPECT_EQ(place("/usr/lib/python3.11/json/decoder.py"), "*/usr/lib/python3.11/json/decoder.py");
  EXPECT_EQ(place("/home/ada/shopping/app.py"), "*/home/ada/shopping/app.py");
  EXPECT_EQ(place("/home/ada/shop/../bank/app.py"), "*/home/ada/bank/app.py");
  EXPECT_EQ(place("../bank/app.py"), "*/home/ada/bank/app.py");
  EXPECT_EQ(place("/home/ada/shop"), "*/home/ada/shop");
  EXPECT_EQ(place("node:internal/main/run_main_module"), "*node:internal/main/run_main_module");
  EXPECT_EQ(place("<frozen importlib._bootstrap>"), "*<frozen importlib._bootstrap>");
  EXPECT_EQ(place("http://localhost/app.js"), "*http://localhost/app.js");
}

TEST(SourcePlace, FoldersForOtherAuthorsCodeAreForeign) {
  EXPECT_EQ(place("/home/ada/shop/node_modules/express/index.js"),
            "*node_modules/express/index.js");
  EXPECT_EQ(place("web/vendor/a.php"), "*web/vendor/a.php");
  EXPECT_EQ(place("env/lib/python3.12/site-packages/flask/app.py"),
            "*env/lib/python3.12/site-packages/flask/app.py");
  EXPECT_EQ(place("vendors/a.php"), "vendors/a.php");
}

TEST(SourcePlace, SomeTextsAreNoFiles) {
  EXPECT_EQ(place(""), "no");
  EXPECT_EQ(place(std::string_view("a\0b", 3)), "no");
  EXPECT_EQ(place(std::string(5000, 'x')), "no");
  EXPECT_EQ(place("file:///home/ada/shop/a%00b"), "no");
}

TEST(SourcePlace, NormalPaths) {
  EXPECT_EQ(normal_path("/a/./b//c/../d/"), "/a/b/d");
  EXPECT_EQ(normal_path("/../a"), "/a");
  EXPECT_EQ(normal_path("a/../../b"), "../b");
  EXPECT_EQ(normal_path("/"), "/");
  EXPECT_EQ(normal_path("."), ".");
  EXPECT_EQ(normal_path("/a/.."), "/");
}

}  // namespace
}  // namespace hpp::errors
