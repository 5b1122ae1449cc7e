#include "common/default_excludes.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(DefaultExcludes, MatchCachesButNoSources) {
  for (const char* path : {".next/trace",
                           "web/.next/server/app/page.js",
                           ".nuxt/dev/index.mjs",
                           ".svelte-kit/generated/root.js",
                           ".astro/types.d.ts",
                           ".turbo/cookies/1.cookie",
                           "node_modules/.cache/babel/a.json",
                           "web/node_modules/.vite/deps/react.js",
                           "vite.config.ts.timestamp-1700000000000-0123456789abc.mjs",
                           "tsconfig.tsbuildinfo",
                           ".pytest_cache/v/cache/lastfailed",
                           ".mypy_cache/3.11/app.data.json",
                           ".ruff_cache/0.1/123",
                           ".parcel-cache/data.mdb",
                           ".idea/workspace.xml",
                           ".gradle/8.5/fileHashes/fileHashes.bin",
                           "db.sqlite3",
                           "db.sqlite3-journal",
                           "storage/development.sqlite3-wal",
                           "instance/flaskr.sqlite",
                           "app.db-wal",
                           "log/development.log",
                           "tmp/cache/bootsnap/compile-cache/1",
                           "tmp/pids/server.pid",
                           "tmp/development_secret.txt",
                           "tmp/local_secret.txt"}) {
    EXPECT_TRUE(is_excluded_by_default(path)) << path;
  }
  for (const char* path :
       {"next.config.js", ".nextrc", ".env", ".output/server/index.mjs", "next/app.js",
        "node_modules/express/index.js", "node_modules/.bin/next", "vite.config.ts",
        "tmp/restart.txt", "config/log/production.yml", "lib/pids/a.rb", "target/debug/server",
        "build/server", "dist/index.js", "cache/a.py", "words.db", "sqlite3.py"}) {
    EXPECT_FALSE(is_excluded_by_default(path)) << path;
  }
}

}  // namespace
}  // namespace hpp
