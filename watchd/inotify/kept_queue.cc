#include "watchd/inotify/kept_queue.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace hpp::watchd::inotify {
namespace {

bool is_regular_file(int fd) {
  struct stat status {};

  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

KeptQueue::KeptQueue(ServiceManager& manager, std::string_view store_name)
    : manager_(manager), store_name_(store_name) {}

KeptQueue::~KeptQueue() {
  unmap();
}

// The manager passes the descriptors once. If it has several queues, watchd was killed before the
// manager had forgotten an old one. The two descriptors of a queue come in any order.
KeptQueue::Opened KeptQueue::open(const std::string& token) {
  std::vector<UniqueFd> stored = manager_.take(store_name_);
  const bool is_one = stored.size() == 2;
  bool is_kept = false;
  for (std::size_t i = 0; i + 1 < stored.size() && !is_kept; i += 2) {
    if (is_regular_file(stored[i].get())) std::swap(stored[i], stored[i + 1]);
    is_kept = adopt(std::move(stored[i]), std::move(stored[i + 1]), token);
  }
  if (is_kept && is_one) return {.is_kept = true};
  if (!stored.empty()) manager_.forget(store_name_);
  const int error = is_kept ? 0 : create();
  if (error == 0) manager_.store(store_name_, {fd_.get(), memory_.get()});
  return {.error = error, .is_kept = is_kept};
}

void KeptQueue::close() {
  unmap();
  memory_.reset();
  fd_.reset();
  manager_.forget(store_name_);
}

std::string KeptQueue::token() const {
  return {page_->token, sizeof page_->token};
}

bool KeptQueue::adopt(UniqueFd queue, UniqueFd memory, const std::string& wanted) {
  if (!is_regular_file(memory.get()) || !map(memory.get())) return false;
  if (token() != wanted) {
    unmap();
    return false;
  }
  fd_ = std::move(queue);
  memory_ = std::move(memory);
  return true;
}

// Returns an errno value.
int KeptQueue::create() {
  fd_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd_.is_open()) return errno;
  memory_.reset(::memfd_create("hpp-inotify", MFD_CLOEXEC));
  std::uint64_t random = 0;
  if (!memory_.is_open() || ::ftruncate(memory_.get(), sizeof(Page)) != 0 || !map(memory_.get()) ||
      ::getrandom(&random, sizeof random, 0) != sizeof random) {
    return errno;
  }
  std::memcpy(page_->token, fmt::format("{:016x}", random).data(), sizeof page_->token);
  return 0;
}

// Returns false if the file is too short for a page.
bool KeptQueue::map(int memory) {
  struct stat status {};

  const bool is_page =
      ::fstat(memory, &status) == 0 && status.st_size >= static_cast<off_t>(sizeof(Page));
  if (!is_page) return false;
  void* const page = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (page == MAP_FAILED) return false;
  page_ = static_cast<Page*>(page);
  return true;
}

void KeptQueue::unmap() {
  if (page_ != nullptr) ::munmap(std::exchange(page_, nullptr), sizeof(Page));
}

}  // namespace hpp::watchd::inotify
