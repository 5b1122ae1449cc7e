#include "launch/core/project.h"

#include <gtest/gtest.h>

#include "common/config_file.h"

namespace hpp::launch {
namespace {

struct Case {
  ProjectFiles files;
  const char* kind;
  const char* line;
};

const Case kCases[] = {
    {{{"manage.py", "package.json"}, {}},
     "a Django project",
     "hpp-launch 8000 --exec python3 manage.py runserver --noreload {PORT}"},
    {{{"artisan", "composer.json"}, {}},
     "a Laravel project",
     "hpp-launch 8000 --exclude 'storage/**' 'bootstrap/cache/**' --exec php artisan serve "
     "--no-reload --port={PORT}"},
    {{{"config.ru", "bin/rails"}, {}},
     "a Rails project",
     "hpp-launch 8000 --exclude 'log/**' 'tmp/**' 'storage/**' --exec bin/rails server --port "
     "{PORT}"},
    {{{"config.ru"}, {}},
     "a Rack application",
     "hpp-launch 8000 --exclude 'log/**' 'tmp/**' --exec rackup --port {PORT}"},
    {{{"go.mod"}, {}},
     "a Go project",
     "hpp-launch 8000 --exclude bin/server --build 'go build -o bin/server .' --exec bin/server"},
    {{{"Cargo.toml"}, {}},
     "a Rust project",
     "hpp-launch 8000 --exclude 'target/**' --exec cargo run"},
    {{{"package.json"}, {{"package.json", R"({"scripts": {"start": "x", "dev": "y"}})"}}},
     "a Node project",
     "hpp-launch 8000 --exec npm start"},
    {{{"package.json"}, {{"package.json", R"({"scripts": {"dev": "y"}, "main": "m.js"})"}}},
     "a Node project",
     "hpp-launch 8000 --exec npm run dev"},
    {{{"package.json"}, {{"package.json", R"({"main": "m.js"})"}}},
     "a Node project",
     "hpp-launch 8000 --exec node m.js"},
    {{{"package.json", "server.js"}, {{"package.json", "broken"}}},
     "a Node project",
     "hpp-launch 8000 --exec node server.js"},
    {{{"app.py"}, {{"app.py", "app = Flask(__name__)"}}},
     "a Flask application",
     "hpp-launch 8000 --exec flask --app app run --port {PORT}"},
    {{{"main.py"}, {{"main.py", "app = FastAPI()"}}},
     "an ASGI application",
     "hpp-launch 8000 --exec uvicorn main:app --port {PORT}"},
    {{{"pom.xml"}, {{"pom.xml", "<artifactId>spring-boot</artifactId>"}}},
     "a Spring Boot project",
     "hpp-launch 8000 --exclude 'target/**' --exec mvn spring-boot:run "
     "-Dspring-boot.run.arguments=--server.port={PORT}"},
    {{{"build.gradle", "gradlew"}, {{"build.gradle", "id 'org.springframework.boot'"}}},
     "a Spring Boot project",
     "hpp-launch 8000 --exclude 'build/**' --exec ./gradlew bootRun --args=--server.port={PORT}"},
    {{{"composer.json", "public"}, {}},
     "a PHP project",
     "hpp-launch 8000 --exec php -S localhost:{PORT} -t public"},
    {{{"index.html"}, {}},
     "a folder of web pages",
     "hpp-launch 8000 --exec python3 -m http.server {PORT}"},
};

TEST(Recognise, ProposesTheCommandForEachKindOfProject) {
  for (const auto& [files, kind, line] : kCases) {
    const auto proposal = recognise(files);
    ASSERT_TRUE(proposal.has_value()) << kind;
    EXPECT_EQ(proposal->kind, kind);
    EXPECT_EQ(launch_line(*proposal), line);
  }
}

TEST(Recognise, ProposesNothingForOtherFolders) {
  for (const ProjectFiles& files :
       {ProjectFiles{}, ProjectFiles{{"README.md", "app.py"}, {{"app.py", "print()"}}},
        ProjectFiles{{"package.json"}, {{"package.json", "[1]"}}},
        ProjectFiles{{"package.json"}, {{"package.json", R"({"scripts": 5, "main": 5})"}}},
        ProjectFiles{{"pom.xml"}, {{"pom.xml", "<project/>"}}}}) {
    EXPECT_FALSE(recognise(files).has_value());
  }
}

TEST(TomlText, IsReadAsTheProposal) {
  for (const Case& one : kCases) {
    const auto proposal = recognise(one.files);
    ASSERT_TRUE(proposal.has_value());
    const auto entries = read_config(toml_text(proposal));
    ASSERT_GE(entries.size(), 2U);
    EXPECT_EQ(entries[0].key, "bind");
    EXPECT_EQ(entries[1].key, "exec");
    EXPECT_EQ(entries[1].value, ConfigValue(proposal->command));
    for (const auto& entry : entries) {
      if (entry.key == "build") {
        EXPECT_EQ(entry.value, ConfigValue(proposal->build));
      } else if (entry.key == "exclude") {
        EXPECT_EQ(entry.value, ConfigValue(proposal->excludes));
      }
    }
  }
}

TEST(TomlText, LeavesTheCommandOutIfItIsUnknown) {
  const auto entries = read_config(toml_text(std::nullopt));
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].key, "bind");
}

}  // namespace
}  // namespace hpp::launch
