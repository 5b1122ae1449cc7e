// Pure. Splits the bytes of a stream into lines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::supervisord {

class LineSplitter {
 public:
  // Longer lines are split, so that a stream without newlines does not take memory without end.
  static constexpr std::size_t kLineMax = 8 * 1024;  // bytes

  // Returns the lines that `bytes` completes, without their newlines (LF, or CR LF as terminals
  // write it).
  std::vector<std::string> take(std::string_view bytes);

  // Returns the incomplete line at the end of the stream; nothing if there is none.
  std::optional<std::string> finish();

 private:
  std::string rest_;
};

}  // namespace hpp::supervisord
