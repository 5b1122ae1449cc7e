#include "proxyd/livereload_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "common/clock.h"
#include "common/event/stream.h"
#include "common/log.h"
#include "proxyd/core/http/date.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/text.h"
#include "proxyd/core/own_endpoints.h"
#include "proxyd/core/reload/livereload.h"
#include "proxyd/embedded.h"
#include "proxyd/head_reader.h"
#include "proxyd/listening_sockets.h"
#include "proxyd/websocket.h"

namespace hpp::proxyd {
namespace {

// Further browsers are refused. Each tab counts as one.
constexpr std::size_t kBrowsersMax = 1000;
// A browser that does not read is disconnected if more output than this waits for it. A browser
// with hpp's protocol only gets the newest state, and only after it has read everything before.
// While this much output waits, nothing is read from the browser, because each ping causes an
// answer.
constexpr std::size_t kBrowserOutputMax = 64 * 1024;
// How long a connection may take to send its request, then to send its hello, and to read its last
// answer.
constexpr Milliseconds kPatience{10'000};
// How long to wait for the reports of pages before their tally is logged.
constexpr Milliseconds kReportsFor{2'000};

std::string plain_answer(std::string_view status, std::string_view type, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "Date: {}\r\nConnection: close\r\n\r\n{}",
      status, type, body.size(), http_date(wall_ms()), body);
}

}  // namespace

// One connection: an HTTP request, which may turn into a WebSocket.
class LiveReloadServer::Browser final : private StreamListener {
 public:
  Browser(LiveReloadServer& server, Loop& loop, UniqueFd connection)
      : server_(server),
        stream_(loop, std::move(connection), *this),
        patience_(loop, [this] { server_.forget(*this); }) {
    parser_.start();
    patience_.start(kPatience);
  }

  // Takes over a connection whose request was read.
  Browser(LiveReloadServer& server, Loop& loop, Stream& stream, std::string_view websocket_key,
          bool is_from_here)
      : server_(server),
        stream_(stream, *this),
        patience_(loop, [this] { server_.forget(*this); }),
        viewer_{.sees_output = true, .has_editor = is_from_here} {
    open_socket(websocket_key);
  }

  // Reads the bytes that arrived together with the request.
  void go_on() { on_input(); }

  bool is_greeted() const { return dialect_.has_value(); }

  bool reports() const { return dialect_ == Dialect::Own; }

  void send(const Outgoing& outgoing) {
    if (!dialect_) return;
    switch (*dialect_) {
      case Dialect::Official:
        for (const std::string& command : outgoing.official) socket_->send_text(command);
        stream_.flush();
        if (stream_.output().size() > kBrowserOutputMax) server_.forget(*this);
        return;
      case Dialect::Own:
        if (outgoing.state) send_state();
        return;
    }
  }

 private:
  void on_input() override {
    if (finishing_) return stream_.input().drain(stream_.input().size());
    if (!socket_) read_request();
    if (socket_ && !finishing_ && !socket_->receive()) finish();
    stream_.flush();
    stream_.read_while(has_room());
  }

  void on_input_ended() override { server_.forget(*this); }

  // Only called while reading is paused. The browser has closed its connection, and will not read
  // the waiting output.
  void on_end_in_sight() override { server_.forget(*this); }

  void on_output_progress() override {
    if (is_behind_ && stream_.output().size() == 0) send_state();
    stream_.read_while(has_room());
  }

  bool has_room() const { return finishing_ || stream_.output().size() < kBrowserOutputMax; }

  void on_broken(int) override { server_.forget(*this); }

  void read_request() {
    Buffer& input = stream_.input();
    const HeadResult result = find_request(input) ? read_head(parser_, input) : NeedMore{};
    if (std::holds_alternative<NeedMore>(result)) return;
    if (std::holds_alternative<Refused>(result)) {
      return answer(
          plain_answer("400 Bad Request", "text/plain", "This is not an HTTP request.\n"));
    }
    answer_request(parser_.head());
    input.drain(std::get<HeadRead>(result).size);
  }

  void answer_request(const RequestHead& head) {
    const std::string_view path = head.target.substr(0, head.target.find('?'));
    const std::string_view key = find_field(head.fields, "Sec-WebSocket-Key").value_or("");
    if (path == "/livereload.js") {
      answer(plain_answer("200 OK", "text/javascript; charset=utf-8", kLiveReloadScript));
    } else if (path == "/livereload" &&
               same_text(find_field(head.fields, "Upgrade").value_or(""), "websocket") &&
               !key.empty()) {
      if (!speaks_websocket_13(head)) return refuse_version();
      // This port only accepts connections of this machine.
      const bool is_ours = is_local_origin(find_field(head.fields, "Origin").value_or(""));
      viewer_ = {.sees_output = is_ours, .has_editor = is_ours};
      open_socket(key);
    } else {
      answer(plain_answer("404 Not Found", "text/plain",
                          "hpp's LiveReload port has /livereload.js and the WebSocket "
                          "/livereload.\n"));
    }
  }

  void refuse_version() {
    answer(fmt::format(
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Connection: upgrade, close\r\nDate: {}\r\nContent-Length: 0\r\n\r\n",
        http_date(wall_ms())));
  }

  void open_socket(std::string_view key) {
    stream_.output().append(fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: {}\r\n\r\n",
        websocket_accept(key)));
    patience_.start(kPatience);
    socket_.emplace(stream_.input(), stream_.output(), kLiveReloadMessageMax,
                    [this](std::string_view text) { on_text(text); });
  }

  void on_text(std::string_view text) {
    if (dialect_) {
      if (const auto report = read_refresh_report(text)) server_.on(*report);
      return;
    }
    dialect_ = read_livereload_hello(text);
    if (!dialect_) return;
    patience_.stop();
    socket_->send_text(livereload_hello(*dialect_));
    stream_.flush();
    send({.official = {}, .state = true, .why = {}, .refresh = {}});
  }

  // Sends the newest state, or, if older output still waits, sends it later: on_output_progress().
  void send_state() {
    is_behind_ = stream_.output().size() > 0;
    if (is_behind_) return;
    const std::string state = server_.broadcast_.state(viewer_);
    if (!state.empty()) socket_->send_text(state);
    stream_.flush();
  }

  void answer(const std::string& text) {
    stream_.output().append(text);
    finish();
  }

  // Sends a FIN, and waits for the browser's FIN for at most kPatience.
  void finish() {
    finishing_ = true;
    stream_.finish_output();
    patience_.start(kPatience);
  }

  LiveReloadServer& server_;
  Stream stream_;
  RequestParser parser_;
  std::optional<WebSocket> socket_;
  Timer patience_;
  std::optional<Dialect> dialect_;  // nothing until the browser has sent its hello
  Viewer viewer_;
  bool is_behind_ = false;  // whether it must read older output before it gets the state
  bool finishing_ = false;
};

LiveReloadServer::LiveReloadServer(Loop& loop)
    : loop_(loop), tally_timer_(loop, [this] { log_tally(tally_.end()); }) {}

LiveReloadServer::~LiveReloadServer() = default;

void LiveReloadServer::listen(ServiceManager& manager, std::uint16_t port) {
  try {
    for (UniqueFd& socket :
         listen_for_good(manager, "livereload", {.host = "localhost", .port = port})) {
      listeners_.push_back(std::make_unique<Listener>(
          loop_, std::move(socket),
          [this](UniqueFd connection, const SocketAddress&) { accept(std::move(connection)); }));
    }
  } catch (const std::runtime_error& error) {
    log::warning("LiveReload is off: {} (--livereload-port)", error.what());
  }
}

void LiveReloadServer::accept(UniqueFd connection) {
  if (browsers_.size() >= kBrowsersMax) return;
  keep(std::make_unique<Browser>(*this, loop_, std::move(connection)));
}

void LiveReloadServer::take_over(Stream& stream, std::string_view websocket_key,
                                 bool is_from_here) {
  if (browsers_.size() >= kBrowsersMax) return;
  auto browser = std::make_unique<Browser>(*this, loop_, stream, websocket_key, is_from_here);
  Browser& kept = *browser;
  keep(std::move(browser));
  kept.go_on();
}

void LiveReloadServer::keep(std::unique_ptr<Browser> browser) {
  browsers_.emplace(browser.get(), std::move(browser));
}

void LiveReloadServer::forget(Browser& browser) {
  const auto found = browsers_.find(&browser);
  if (found == browsers_.end()) return;
  loop_.bury(std::move(found->second));
  browsers_.erase(found);
}

void LiveReloadServer::on(const bus::BackendState& backend, const FailureNotes& notes) {
  send(broadcast_.on(backend, notes));
}

void LiveReloadServer::on(const bus::TreeState& tree) {
  send(broadcast_.on(tree));
}

void LiveReloadServer::send(const Outgoing& outgoing) {
  if (outgoing == Outgoing{}) return;
  std::vector<Browser*> browsers;
  for (const auto& [browser, owned] : browsers_) {
    if (browser->is_greeted()) browsers.push_back(browser);
  }
  if (!outgoing.why.empty()) {
    log_tally(tally_.end());
    const auto pages = static_cast<std::size_t>(std::count_if(
        browsers.begin(), browsers.end(), [](const Browser* one) { return one->reports(); }));
    tally_timer_.start(kReportsFor);
    log_tally(tally_.begin({.point = outgoing.refresh,
                            .why = outgoing.why,
                            .pages = pages,
                            .others = browsers.size() - pages}));
  }
  for (Browser* browser : browsers) browser->send(outgoing);
}

void LiveReloadServer::on(const RefreshReport& report) {
  log_tally(tally_.on(report));
}

void LiveReloadServer::log_tally(const std::optional<std::string>& line) {
  if (!line) return;
  tally_timer_.stop();
  log::info("{}", *line);
}

}  // namespace hpp::proxyd
