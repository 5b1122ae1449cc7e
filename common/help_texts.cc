#include "common/help_texts.h"

namespace hpp {

const char* description(Program program) {
  switch (program) {
    case Program::Launch:
      return "Live-reloading HTTP reverse proxy for web development: runs your web server,\n"
             "restarts it when a file changes, and holds requests until it answers.";
    case Program::Proxyd:
      return "hpp's proxy: holds the client connections and forwards to the backend.";
    case Program::Watchd:
      return "hpp's watcher: finds out which files change below the working directory.";
    case Program::Supervisord:
      return "hpp's supervisor: starts the backend, kills and restarts it when a file changes.";
  }
  return "";
}

const char* examples(Program program) {
  switch (program) {
    case Program::Launch:
      return "Everything after --exec, or after --, is the command that starts your server.\n"
             "Globs are relative to the working directory; ** matches several folders.\n\n"
             "The file hpp.toml can contain all options by their long names. Options on the\n"
             "command line win.\n\n"
             "Examples:\n"
             "  hpp-launch\n"
             "  hpp-launch localhost:8000 8001 --exec python3 -m http.server 8001\n"
             "  hpp-launch localhost:8000 8001 --pattern 'src/**/*' \\\n"
             "      --exclude 'src/**/test_*' --exec python \\\n"
             "      ./manage.py runserver --noreload 8001\n"
             "  hpp-launch localhost:8000 8001 --css '**/*.css' --reload 'static/**' \\\n"
             "      --exec node server.js 8001";
    case Program::Proxyd:
      return "Examples:\n"
             "  hpp-proxyd 8000 8001 --run-dir /tmp/hpp\n"
             "  hpp-proxyd --config hpp.toml --run-dir /tmp/hpp\n"
             "  hpp-proxyd 8000 8001 --assume-running";
    case Program::Watchd:
      return "Example:\n  hpp-watchd --run-dir /tmp/hpp --pattern 'src/**/*.py'";
    case Program::Supervisord:
      return "Everything after --exec is the command.\n\n"
             "Example:\n"
             "  hpp-supervisord 8001 --run-dir /tmp/hpp --exec python3 -m http.server 8001";
  }
  return "";
}

}  // namespace hpp
