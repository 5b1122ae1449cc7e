#include "supervisord/held_output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/os/pipe.h"

namespace hpp::supervisord {
namespace {

std::string last_line_of(std::string_view text) {
  const auto last = text.find_last_not_of("\r\n \t");
  if (last == std::string_view::npos) return "";
  text = text.substr(0, last + 1);
  const auto before = text.find_last_of('\n');
  return std::string(before == std::string_view::npos ? text : text.substr(before + 1));
}

}  // namespace

HeldOutput::HeldOutput(Loop& loop, std::vector<UniqueFd> readers) {
  for (UniqueFd& reader : readers) {
    Stream& stream = streams_.emplace_back();
    stream.reader = std::move(reader);
    set_nonblocking(stream.reader.get());
    stream.readable = std::make_unique<FdWatch>(loop, stream.reader.get(), FdWatch::For::Reading,
                                                [&stream] { read(stream); });
    stream.readable->start();
  }
}

void HeldOutput::read(Stream& stream) {
  char bytes[4096];
  const std::size_t room = std::min(sizeof bytes, kHeldMax - stream.text.size());
  const ssize_t got = room == 0 ? 0 : ::read(stream.reader.get(), bytes, room);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // The end of the stream remains for the reader that takes over.
  if (got <= 0) return stream.readable->stop();
  stream.text.append(bytes, static_cast<std::size_t>(got));
}

std::vector<UniqueFd> HeldOutput::take_readers() {
  std::vector<UniqueFd> readers;
  for (Stream& stream : streams_) {
    stream.readable.reset();
    readers.push_back(std::move(stream.reader));
  }
  return readers;
}

std::vector<std::string> HeldOutput::take_texts() {
  std::vector<std::string> texts;
  for (Stream& stream : streams_) texts.push_back(std::move(stream.text));
  return texts;
}

// The last stream is stderr, unless both are the same terminal.
std::string HeldOutput::last_line() {
  for (Stream& stream : streams_) read(stream);
  const auto found = std::find_if(streams_.rbegin(), streams_.rend(), [](const Stream& stream) {
    return !last_line_of(stream.text).empty();
  });
  return found == streams_.rend() ? "" : last_line_of(found->text);
}

}  // namespace hpp::supervisord
