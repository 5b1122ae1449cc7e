// Pure. Remembers which requests a backend was handling when it crashed, because they are likely to
// be the reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace hpp::proxyd {

class CrashRequests {
 public:
  // The backend of this generation has crashed, and it had the request `shown`: `GET /x`.
  void on(std::uint64_t generation, const std::string& shown);

  // Returns the newest backend that has crashed with a request; 0: none has.
  std::uint64_t generation() const { return generation_; }

  // Returns `GET /x`, or `GET /x and 2 more requests`; empty if the backend of this generation has
  // crashed without a request, or has not crashed.
  std::string text(std::uint64_t generation) const;

 private:
  std::uint64_t generation_ = 0;  // the newest backend that crashed with a request; 0: none
  std::string first_;             // its first request
  std::size_t count_ = 0;         // number of its requests
};

}  // namespace hpp::proxyd
