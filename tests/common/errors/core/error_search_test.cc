#include "common/errors/core/error_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace hpp::errors {
namespace {

// An output in error_outputs, and the error in it. The programs of Debian 12 and npm printed these
// outputs in /home/ada/shop, those whose name ends with `terminal` on a terminal.
struct Row {
  std::string name;
  std::string folder;  // project folder, below /home/ada/shop
  std::string message;
  std::string file;
  std::uint64_t line = 0;
  std::uint64_t column = 0;
};

const std::vector<Row> kRows{
    {"c-asan", "", "AddressSanitizer: heap-buffer-overflow", "c/asan.c", 4, 0},
    {"c-assert", "", "Assertion `argc == 2 && \"a port\"' failed", "c/assert.c", 5, 0},
    {"c-ubsan", "", "runtime error: shift exponent 41 is too large for 32-bit type 'int'",
     "c/undefined.c", 3, 25},
    {"clang-header", "", "'nowhere.h' file not found", "c/header.c", 1, 10},
    {"clang-syntax", "", "expected ';' after expression", "c/syntax.c", 5, 20},
    {"clang-template", "",
     "invalid operands to binary expression ('std::_List_iterator<int>' and "
     "'std::_List_iterator<int>')",
     "c/template.cc", 6, 8},
    {"clang-terminal", "", "expected ';' after expression", "c/syntax.c", 5, 20},
    {"django-checks", "django",
     "SystemCheckError: System check identified some issues: ERRORS: catalogue.Item.name: "
     "(fields.E120) CharFields must define a 'max_length' attribute.",
     "", 0, 0},
    {"django-reload-thread", "django", "NameError: name 'include' is not defined", "config/urls.py",
     23, 0},
    {"django-syntax", "django", "SyntaxError: '(' was never closed", "catalogue/views.py", 5, 0},
    {"django-url-name", "django", "NameError: name 'include' is not defined", "config/urls.py", 23,
     0},
    {"django-view", "django",
     "TypeError: view must be a callable or a list/tuple in the case of include().",
     "config/urls.py", 22, 0},
    {"esbuild-plain", "", "Unexpected \";\"", "ts/build.js", 3, 18},
    {"esbuild-terminal", "", "Unexpected \";\"", "ts/build.js", 3, 18},
    {"gcc-header", "", "nowhere.h: No such file or directory", "c/header.c", 1, 10},
    {"gcc-link-debug", "", "undefined reference to `price'", "c/link.c", 4, 0},
    {"gcc-link", "", "undefined reference to `price'", "link.c", 0, 0},
    {"gcc-make", "", "expected ‘;’ before ‘return’", "c/syntax.c", 5, 20},
    {"gcc-syntax", "", "expected ‘;’ before ‘return’", "c/syntax.c", 5, 20},
    {"gcc-template", "",
     "no match for ‘operator-’ (operand types are ‘std::_List_iterator<int>’ and "
     "‘std::_List_iterator<int>’)",
     "c/template.cc", 6, 12},
    {"gcc-terminal", "", "expected ‘;’ before ‘return’", "c/syntax.c", 5, 20},
    {"go-build", "go", "imported and not used: \"os\"", "compile/main.go", 5, 2},
    {"go-deadlock", "go", "fatal error: all goroutines are asleep - deadlock!", "deadlock/main.go",
     5, 0},
    {"go-missing", "go",
     "package shop/nowhere is not in GOROOT (/usr/lib/go-1.19/src/shop/nowhere)", "missing/main.go",
     3, 8},
    {"go-nilmap", "go", "panic: no configuration", "nilmap/main.go", 10, 0},
    {"go-panic", "go", "panic: runtime error: index out of range [5] with length 3",
     "panic/main.go", 6, 0},
    {"go-segv", "go", "panic: runtime error: invalid memory address or nil pointer dereference",
     "segv/main.go", 6, 0},
    {"go-vet", "go", "undeclared name: undefined", "compile/main.go", 9, 14},
    {"java-cause", "",
     "java.lang.NullPointerException: Cannot invoke \"java.lang.Integer.intValue()\" because the "
     "return value of \"java.util.Map.get(Object)\" is null",
     "com/shop/App.java", 8, 0},
    {"java-class", "", "Error: Could not find or load main class com.shop.Nowhere", "", 0, 0},
    {"java-null", "",
     "java.lang.NullPointerException: Cannot invoke \"java.lang.Integer.intValue()\" because the "
     "return value of \"java.util.Map.get(Object)\" is null",
     "com/shop/App.java", 8, 0},
    {"java-source", "", "incompatible types: int cannot be converted to String", "java/Broken.java",
     3, 0},
    {"javac-syntax", "", "';' expected", "java/Unclosed.java", 3, 0},
    {"javac-types", "", "incompatible types: int cannot be converted to String", "java/Broken.java",
     3, 0},
    {"node-assert", "",
     "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal: 2 !== 3",
     "node/assert.js", 2, 8},
    {"node-cause", "", "Error: cannot open the database", "node/cause.js", 8, 9},
    {"node-esm-error", "", "ReferenceError: PRICES is not defined", "node/store.mjs", 3, 3},
    {"node-esm-export", "",
     "SyntaxError: The requested module './store.mjs' does not provide an export named 'prices'",
     "node/esm_export.mjs", 1, 10},
    {"node-esm-missing", "",
     "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/home/ada/shop/node/nowhere.mjs' imported "
     "from /home/ada/shop/node/esm_missing.mjs",
     "node/esm_missing.mjs", 0, 0},
    {"node-esm-syntax", "", "SyntaxError: Unexpected token ';'", "node/esm_syntax.mjs", 1, 18},
    {"node-express-error", "", "TypeError: argument handler must be a function",
     "node/express_error.js", 3, 5},
    {"node-json", "", "SyntaxError: Expected property name or '}' in JSON at position 1",
     "node/json.js", 1, 6},
    {"node-missing", "", "Error: Cannot find module 'expresss'", "node/missing.js", 1, 17},
    {"node-port", "", "Error: listen EADDRINUSE: address already in use 127.0.0.1:18999", "", 0, 0},
    {"node-reject-text", "",
     "UnhandledPromiseRejection: This error originated either by throwing inside of an async "
     "function without a catch block, or by rejecting a promise which was not handled with "
     ".catch(). The promise rejected with the reason \"no reason\".",
     "", 0, 0},
    {"node-rejection", "", "RangeError: no such page", "node/rejection.js", 2, 9},
    {"node-syntax-error", "", "SyntaxError: missing ) after argument list", "node/syntax_error.js",
     4, 16},
    {"node-terminal", "", "TypeError: argument handler must be a function", "node/express_error.js",
     3, 5},
    {"node-throw-text", "", "boom", "node/throw_text.js", 2, 3},
    {"node-type-error", "", "TypeError: Cannot read properties of undefined (reading 'eur')",
     "node/store.js", 2, 22},
    {"npm-run", "npmbuild", "TS2322: Type 'number' is not assignable to type 'string'.", "types.ts",
     2, 9},
    {"php-error", "", "Error: Call to undefined function quantity()", "php/store.php", 3, 0},
    {"php-exception", "", "RuntimeException: the shop is closed", "php/exception.php", 4, 0},
    {"php-parse", "", "syntax error, unexpected token \"}\", expecting \",\" or \";\"",
     "php/parse.php", 4, 0},
    {"php-require", "",
     "Error: Failed opening required 'nowhere.php' (include_path='.:/usr/share/php')",
     "php/require.php", 2, 0},
    {"php-terminal", "", "Error: Call to undefined function quantity()", "php/store.php", 3, 0},
    {"python-chained", "", "RuntimeError: the database is not reachable", "py/chained.py", 9, 0},
    {"python-during", "", "NameError: name 'undefined_name' is not defined", "py/during.py", 5, 0},
    {"python-group", "", "ValueError: cannot load a", "py/group.py", 2, 0},
    {"python-import-syntax-error", "", "SyntaxError: '(' was never closed", "py/syntax_error.py", 3,
     0},
    {"python-indentation", "", "IndentationError: unexpected indent", "py/indentation.py", 3, 0},
    {"python-json-error", "",
     "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 "
     "column 2 (char 1)",
     "py/json_error.py", 4, 0},
    {"python-missing-module", "", "ModuleNotFoundError: No module named 'flaskk'",
     "py/missing_module.py", 1, 0},
    {"python-name-error", "", "NameError: name 'PRICES' is not defined", "py/store.py", 2, 0},
    {"python-recursion", "", "RecursionError: maximum recursion depth exceeded", "py/recursion.py",
     2, 0},
    {"python-syntax-error", "", "SyntaxError: '(' was never closed", "py/syntax_error.py", 3, 0},
    {"python-thread", "", "OSError: [Errno 98] Address already in use", "py/thread.py", 4, 0},
    {"ruby-cause", "", "RuntimeError: cannot open the database", "rb/cause.rb", 8, 0},
    {"ruby-json", "", "JSON::ParserError: 859: unexpected token at '{oops}'", "rb/json.rb", 3, 0},
    {"ruby-load-error", "", "LoadError: cannot load such file -- sinatraa", "rb/load_error.rb", 1,
     0},
    {"ruby-name-error", "", "NameError: uninitialized constant PRICES", "rb/store.rb", 2, 0},
    {"ruby-no-method", "", "NoMethodError: private method `price' called for nil:NilClass",
     "rb/store.rb", 6, 0},
    {"ruby-rackup", "", "NameError: uninitialized constant Undefined", "rb/config.ru", 3, 0},
    {"ruby-raise", "", "ArgumentError", "rb/raise.rb", 1, 0},
    {"ruby-require-syntax", "",
     "SyntaxError: syntax error, unexpected end-of-input, expecting `end'", "rb/syntax_error.rb", 5,
     0},
    {"ruby-syntax-error", "", "syntax error, unexpected end-of-input, expecting `end'",
     "rb/syntax_error.rb", 5, 0},
    {"ruby-terminal", "", "NoMethodError: private method `price' called for nil:NilClass",
     "rb/store.rb", 6, 0},
    {"rust-backtrace", "rust/panic",
     "called `Result::unwrap()` on an `Err` value: ParseIntError { kind: InvalidDigit }",
     "src/store.rs", 2, 71},
    {"rust-cargo-terminal", "rust/compile", "E0425: cannot find value `txt` in this scope",
     "src/main.rs", 3, 20},
    {"rust-cargo", "rust/compile", "E0425: cannot find value `txt` in this scope", "src/main.rs", 3,
     20},
    {"rust-panic", "rust/panic", "index out of bounds: the len is 3 but the index is 5",
     "src/store.rs", 3, 5},
    {"rust-result", "rust/panic",
     "Error: Os { code: 2, kind: NotFound, message: \"No such file or directory\" }", "", 0, 0},
    {"rust-terminal", "rust/panic", "index out of bounds: the len is 3 but the index is 5",
     "src/store.rs", 3, 5},
    {"rust-unwrap", "rust/panic",
     "called `Result::unwrap()` on an `Err` value: ParseIntError { kind: InvalidDigit }",
     "src/store.rs", 2, 71},
    {"rustc-move", "rust", "E0382: borrow of moved value: `items`", "unborrow.rs", 5, 27},
    {"tsc-plain", "ts", "TS2322: Type 'number' is not assignable to type 'string'.", "types.ts", 2,
     9},
    {"tsc-terminal", "ts", "TS2322: Type 'number' is not assignable to type 'string'.", "types.ts",
     2, 9},
    {"tsx-syntax", "", "Expected \"}\" but found \"1\"", "ts/syntax.ts", 4, 9},
    {"tsx-type-error", "", "TypeError: Cannot read properties of undefined (reading 'eur')",
     "ts/app.ts", 4, 21},
    {"vite-build", "vite", "Unexpected token", "price.ts", 1, 23},
    {"vite-terminal", "vite", "Unexpected token", "price.ts", 1, 23},
};

std::string read_output(const std::string& name) {
  const char* const top = std::getenv("HPP_SOURCE_DIR");
  const std::string path = std::string(top == nullptr ? "." : top) +
                           "/tests/common/errors/core/error_outputs/" + name + ".txt";
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<SourceRoot> roots_of(const Row& row) {
  return {{.path = "/home/ada/shop" + (row.folder.empty() ? "" : "/" + row.folder), .name = ""}};
}

const std::vector<SourceRoot> kShop{{.path = "/home/ada/shop", .name = ""}};

void expect_well_formed(const std::optional<bus::BackendError>& error, const std::string& output) {
  if (!error) return;
  const auto lines = static_cast<std::uint64_t>(std::count(output.begin(), output.end(), '\n')) + 1;
  EXPECT_FALSE(error->message.empty());
  EXPECT_LE(error->message.size(), kErrorMessageMax + 3);
  EXPECT_EQ(error->message.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_LE(error->frames.size(), bus::kFramesMax);
  for (const bus::ErrorFrame& frame : error->frames) {
    EXPECT_LE(frame.output_line + frame.output_lines, lines) << output;
  }
}

TEST(ErrorSearch, FindsTheErrorsInRealOutputs) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string output = read_output(row.name);
    const auto error = find_error(output, roots_of(row));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->message, row.message);
    EXPECT_EQ(error->file, row.file);
    EXPECT_EQ(error->line, row.line);
    EXPECT_EQ(error->column, row.column);
    expect_well_formed(error, output);
  }
}

TEST(ErrorSearch, IgnoresTheLinesBeforeAnError) {
  const std::string before =
      "Starting\n127.0.0.1 - - [28/Nov/2026] \"GET /error: HTTP/1.1\" 200 -\nlistening on "
      ":8001\n";
  for (const Row& row : kRows) {
    const auto error = find_error(before + read_output(row.name), roots_of(row));
    ASSERT_TRUE(error) << row.name;
    EXPECT_EQ(error->message, row.message);
    EXPECT_EQ(error->line, row.line);
  }
}

TEST(ErrorSearch, FindsNothingInOutputWithoutAnError) {
  EXPECT_FALSE(find_error("", kShop));
  EXPECT_FALSE(find_error("\n\n", kShop));
  EXPECT_FALSE(
      find_error("Serving HTTP on 127.0.0.1 port 8001 (http://127.0.0.1:8001/) ...\n"
                 "12:30:05 GET /app.js:3:5 200\nat 12:30 (local)\n",
                 kShop));
  EXPECT_FALSE(find_error(read_output("python-exits"), kShop)) << "sys.exit() with a text";
}

// The end of an output may begin in the middle of a line, and the program may have been killed.
TEST(ErrorSearch, ReadsEveryPieceOfAnOutput) {
  for (const Row& row : kRows) {
    const std::string output = read_output(row.name);
    for (std::size_t cut = 0; cut < output.size(); cut += 1 + output.size() / 80) {
      const std::string end = output.substr(cut);
      expect_well_formed(find_error(end, roots_of(row)), end);
      const std::string begin = output.substr(0, cut);
      expect_well_formed(find_error(begin, roots_of(row)), begin);
    }
  }
}

TEST(ErrorSearch, ReadsAnyBytes) {
  unsigned random = 1;
  for (const Row& row : kRows) {
    std::string output = read_output(row.name);
    for (int changes = 0; changes < 40; ++changes) {
      random = random * 1664525U + 1013904223U;
      output[(random >> 8U) % output.size()] = static_cast<char>(random >> 24U);
      if (changes % 8 == 0) expect_well_formed(find_error(output, roots_of(row)), output);
    }
  }
}

// The first lines are cut off, but the error's own are complete.
TEST(ErrorSearch, NeedsOnlyTheEndOfAStack) {
  const std::string output = read_output("django-syntax");
  const auto error = find_error(std::string_view(output).substr(output.size() / 2), kShop);
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(*error), "django/catalogue/views.py:5: SyntaxError: '(' was never closed");
}

TEST(ErrorSearch, TellsForeignFramesAndTheirLines) {
  const auto error = find_error(read_output("python-json-error"), kShop);
  ASSERT_TRUE(error);
  std::vector<std::string> frames;
  for (const bus::ErrorFrame& frame : error->frames) {
    frames.push_back((frame.is_foreign ? "foreign " : "") + frame.file + ':' +
                     std::to_string(frame.line) + " in lines " + std::to_string(frame.output_line) +
                     '+' + std::to_string(frame.output_lines));
  }
  EXPECT_THAT(frames, testing::ElementsAre(
                          "foreign /usr/lib/python3.11/json/decoder.py:353 in lines 12+3",
                          "foreign /usr/lib/python3.11/json/decoder.py:337 in lines 9+3",
                          "foreign /usr/lib/python3.11/json/__init__.py:346 in lines 6+3",
                          "py/json_error.py:4 in lines 3+3", "py/json_error.py:6 in lines 1+2"));
}

TEST(ErrorSearch, TheLastErrorOfARuntimeCounts) {
  const std::string both = read_output("node-type-error") + read_output("node-rejection");
  EXPECT_EQ(find_error(both, kShop)->message, "RangeError: no such page");
}

// A build script in the project that fails because of a compiler's error is the later error,
// but it has a place in the project only if it is not a library's.
TEST(ErrorSearch, ACompilersErrorIsBetterThanAForeignStack) {
  const std::string both = read_output("tsc-plain") + read_output("node-port");
  const auto error = find_error(both, kShop);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->file, "types.ts");
}

TEST(ErrorSearch, CutsALongMessage) {
  const std::string output =
      "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nValueError: " +
      std::string(490, 'x') + "→→→→\n";
  const std::string message = find_error(output, kShop)->message;
  EXPECT_LE(message.size(), kErrorMessageMax + 3);
  EXPECT_TRUE(message.ends_with("x…") || message.ends_with("→…")) << message;
}

// None of them takes longer than the tests' time limit, whatever a program prints.
TEST(ErrorSearch, ReadsManyLinesThatLookLikeErrors) {
  for (const std::string line :
       {"at x\n", "at a:1:1\n", "a:1\n", "a:1:1: error: x\n", "  File \"a\", line 1\n",
        "Caused by: x\n", "\tfrom a:1\n", "panic: x\n", "error: x\n",
        ": : : : : : : :", "make: Entering directory 'a'\n"}) {
    std::string output;
    while (output.size() < bus::kOutputTailMax) output += line;
    expect_well_formed(find_error(output, kShop), output);
  }
}

TEST(ErrorSearch, LimitsTheFrames) {
  std::string output = "Traceback (most recent call last):\n";
  for (int i = 0; i < 500; ++i) output += "  File \"a.py\", line 1, in f\n    f()\n";
  const auto error = find_error(output + "RecursionError: too deep\n", kShop);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->frames.size(), bus::kFramesMax);
}

}  // namespace
}  // namespace hpp::errors
