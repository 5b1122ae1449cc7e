#include "common/advice/server.h"

#include <gtest/gtest.h>

#include "common/shell_words.h"

namespace hpp::advice {
namespace {

TEST(ReloaderHint, IsGivenForServersThatRestartThemselves) {
  const std::pair<const char*, const char*> cases[] = {
      {"python3 manage.py runserver 8001", "add --noreload after it"},
      {"./manage.py runserver", "add --noreload after it"},
      {"poetry run python -X dev -m django runserver", "add --noreload after it"},
      {"env DEBUG=1 python3.11 -u manage.py runserver 8001", "add --noreload after it"},
      {"flask --app shop run --debug --port 8001", "add --no-reload after \"run\""},
      {"uv run flask run --reload", "add --no-reload after \"run\""},
      {"fastapi dev app.py", "add --no-reload"},
      {"python -m uvicorn app:app --reload", "leave --reload out"},
      {"gunicorn --reload app", "leave --reload out"},
      {"npx nodemon server.js", "run the server with node itself, or with tsx or ts-node"},
      {"node --watch server.js", "leave the watch mode out"},
      {"node --watch=src server.js", "leave the watch mode out"},
      {"pnpm tsx watch server.ts", "leave the watch mode out"},
      {"cargo watch -x run", "run the server with cargo run"},
      {"air", "let --exec run the server itself"},
      {"sh -c 'exec flask run --debug'", "add --no-reload after \"run\""},
  };
  for (const auto& [command, cure] : cases) {
    const std::string hint = reloader_hint(shell_words(command));
    EXPECT_TRUE(hint.ends_with(std::string("Turn it off: ") + cure)) << command << ": " << hint;
  }
  EXPECT_EQ(reloader_hint({"python3", "manage.py", "runserver"}),
            "Django's runserver restarts your server when a file changes, and hpp does that, too. "
            "Turn it off: add --noreload after it");
}

TEST(ReloaderHint, IsNotGivenForOthers) {
  for (const char* const command :
       {"python3 manage.py runserver --noreload 8001", "python3 manage.py migrate",
        "flask run --debug --no-reload", "flask run", "uvicorn app:app", "fastapi run app.py",
        "node server.js watch.js", "node server.js", "cargo run", "dotnet run", "npm start",
        "python3 -m http.server 8001", "env A=1", "python3", "poetry run", "echo runserver",
        "sh -c 'a && b'"}) {
    EXPECT_EQ(reloader_hint({"x"}), "");
    const std::string text = command;
    const auto words = text.find("&&") == std::string::npos
                           ? shell_words(text)
                           : std::vector<std::string>{"sh", "-c", "a && b"};
    EXPECT_EQ(reloader_hint(words), "") << command;
  }
  EXPECT_EQ(reloader_hint({}), "");
}

TEST(SwappedPortsHint, IsGivenIfTheCommandHasThePortOfBind) {
  const Address bind{"localhost", 8001};
  const Address backend{"localhost", 8000};
  const std::string expected =
      "your server's command has the port 8001, on which hpp listens for your browser, and not "
      "8000, where hpp expects your server. If the addresses are swapped, write: hpp-launch "
      "localhost:8000 localhost:8001 …";
  for (const char* const word : {"8001", "0.0.0.0:8001", "--port=8001", "-p8001", ":8001"}) {
    EXPECT_EQ(swapped_ports_hint(bind, backend, {"x", word}), expected) << word;
  }
  for (const char* const word :
       {"18001", "80010", "http://localhost:8001", "x8001", "--id=48001", "8000"}) {
    EXPECT_EQ(swapped_ports_hint(bind, backend, {"x", word}), "") << word;
  }
  EXPECT_EQ(swapped_ports_hint(bind, backend, {"x", "8001", "8000"}), "");
}

}  // namespace
}  // namespace hpp::advice
