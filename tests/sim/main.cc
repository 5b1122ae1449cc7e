// hpp-sim: plays schedules, and prints the seed of a schedule in which an invariant does not hold.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/schedule.h"

namespace hpp::sim {
namespace {

// Number of lines of the trace that are shown with a violation.
constexpr std::size_t kLinesShown = 40;

struct Options {
  std::vector<std::uint64_t> seeds = {1, 1000};  // first seed, number of seeds
  std::uint64_t seed = 0;
  bool trace = false;
  int jobs = 0;
  Break broken = Break::Nothing;
  bool must_fail = false;
  std::string program;
};

const std::map<std::string, Break> kBreaks{
    {"barrier", Break::Barrier}, {"generation", Break::Generation}, {"replay", Break::Replay},
    {"loss", Break::Loss},       {"standby", Break::Standby},       {"release", Break::Release},
    {"idle", Break::Idle},       {"repetition", Break::Repetition}};

// A process that plays schedules. It dies with a core that fails an assertion or a sanitizer check.
struct Job {
  std::atomic<std::uint64_t> seed;  // the schedule that is being played
  std::atomic<std::uint64_t> schedules;
  std::atomic<std::uint64_t> events;
  std::atomic<std::uint64_t> answers;
  std::atomic<std::uint64_t> fresh_answers;
  std::atomic<std::uint64_t> returns;
  std::atomic<std::uint64_t> without_ticket;
  std::atomic<bool> has_failed;
};

// The jobs' results, in shared memory that outlives a job.
struct Board {
  static constexpr std::size_t kJobsMax = 64;

  std::atomic<bool> stop;
  Job jobs[kJobsMax];
};

// Plays the schedules of one job. Prints nothing, so that the lines of several jobs do not mix; the
// parent prints the results.
void run_job(Board& board, std::size_t number, std::size_t jobs, const Options& options) {
  Job& job = board.jobs[number];
  for (std::uint64_t at = number; at < options.seeds[1] && !board.stop; at += jobs) {
    job.seed = options.seeds[0] + at;
    const Outcome outcome = play(job.seed, options.broken);
    ++job.schedules;
    job.events += outcome.events;
    job.answers += outcome.answers;
    job.fresh_answers += outcome.fresh_answers;
    job.returns += outcome.returns;
    job.without_ticket += outcome.without_ticket;
    if (outcome.violation.empty()) continue;
    job.has_failed = true;
    board.stop = true;
    return;
  }
}

std::string replay_command(const Options& options, std::uint64_t seed) {
  std::string command = fmt::format("{} --seed {} --trace", options.program, seed);
  for (const auto& [name, broken] : kBreaks) {
    if (broken == options.broken) command += " --break " + name;
  }
  return command;
}

// Plays the schedule again, and shows the end of its trace. A core that failed an assertion fails
// it here as well.
void show_failure(const Options& options, std::uint64_t seed) {
  std::printf("seed %lu fails; again: %s\n", seed, replay_command(options, seed).c_str());
  std::fflush(stdout);
  std::deque<std::string> lines;
  const Outcome outcome = play(seed, options.broken, [&](const std::string& line) {
    lines.push_back(line);
    if (lines.size() > kLinesShown) lines.pop_front();
  });
  for (const std::string& line : lines) std::printf("  %s\n", line.c_str());
  std::printf("seed %lu, %s\n", seed, outcome.violation.c_str());
}

int run_one(const Options& options) {
  const auto print = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  const Outcome outcome =
      play(options.seed, options.broken, options.trace ? World::Sink(print) : World::Sink());
  std::printf("seed %lu: %lu events, %s\n", options.seed, outcome.events,
              outcome.violation.empty() ? "all holds" : outcome.violation.c_str());
  return outcome.violation.empty() ? 0 : 1;
}

int run_all(const Options& options) {
  void* const memory =
      ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory");
  Board& board = *new (memory) Board();
  const auto begun = std::chrono::steady_clock::now();
  const auto jobs = static_cast<std::size_t>(options.jobs);
  std::map<pid_t, std::size_t> children;
  for (std::size_t number = 0; number < jobs; ++number) {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("cannot fork");
    if (child == 0) {
      run_job(board, number, jobs, options);
      ::_exit(0);
    }
    children.emplace(child, number);
  }
  std::vector<std::uint64_t> failed;
  bool has_died = false;
  while (!children.empty()) {
    int status = 0;
    const pid_t child = ::wait(&status);
    const auto found = children.find(child);
    if (found == children.end()) continue;
    const Job& job = board.jobs[found->second];
    if (status != 0) board.stop = has_died = true;
    if (status != 0 || job.has_failed) failed.push_back(job.seed);
    children.erase(found);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::uint64_t schedules = 0;
  std::uint64_t events = 0;
  std::uint64_t answers = 0;
  std::uint64_t fresh_answers = 0;
  std::uint64_t returns = 0;
  std::uint64_t without_ticket = 0;
  for (const Job& job : board.jobs) {
    schedules += job.schedules;
    events += job.events;
    answers += job.answers;
    fresh_answers += job.fresh_answers;
    returns += job.returns;
    without_ticket += job.without_ticket;
  }
  std::printf("%lu schedules from seed %lu, %lu events, %.1f s, %.0f schedules/s: %s\n", schedules,
              options.seeds[0], events, took.count(), static_cast<double>(schedules) / took.count(),
              failed.empty() ? "all holds" : "FAILED");
  std::printf(
      "%lu answers of backends, of which %lu had to be fresh; %lu returns to Watchman; %lu "
      "requests "
      "without a ticket\n",
      answers, fresh_answers, returns, without_ticket);
  if (!options.must_fail) {
    for (const std::uint64_t seed : failed) show_failure(options, seed);
    return failed.empty() ? 0 : 1;
  }
  for (const std::uint64_t seed : failed) {
    std::printf("seed %lu, %s\n", seed, play(seed, options.broken).violation.c_str());
  }
  return failed.empty() || has_died ? 1 : 0;
}

int run(int argc, char** argv) {
  Options options{.program = argv[0]};
  CLI::App app("Plays random schedules of hpp's cores in virtual time.");
  app.add_option("--seeds", options.seeds, "the first seed and how many")->expected(2);
  CLI::Option* const seed = app.add_option("--seed", options.seed, "this one alone");
  app.add_flag("--trace", options.trace, "print every step")->needs(seed);
  app.add_option("--jobs", options.jobs, "processes at a time (default: one per processor)")
      ->check(CLI::Range(1, static_cast<int>(Board::kJobsMax)));
  app.add_option("--break", options.broken, "break this rule on purpose")
      ->transform(CLI::CheckedTransformer(kBreaks));
  app.add_flag("--must-fail", options.must_fail,
               "succeed if an invariant is violated, as it should be with --break");
  CLI11_PARSE(app, argc, argv);
  if (options.jobs == 0) {
    options.jobs = static_cast<int>(
        std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, Board::kJobsMax));
  }
  return *seed ? run_one(options) : run_all(options);
}

}  // namespace
}  // namespace hpp::sim

int main(int argc, char** argv) {
  return hpp::sim::run(argc, argv);
}
