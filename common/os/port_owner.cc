#include "common/os/port_owner.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "common/os/descriptors.h"
#include "common/os/file.h"
#include "common/os/process_info.h"
#include "common/take_until.h"

namespace hpp {
namespace {

// Returns an address as /proc/net/tcp and tcp6 show it: hexadecimal words of 32 bits in the
// machine's byte order.
std::string table_text(const void* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; i += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, static_cast<const char*>(bytes) + i, sizeof word);
    text += fmt::format("{:08X}", word);
  }
  return text;
}

struct Row {
  std::string local;  // address, in the format of table_text()
  unsigned port = 0;
  std::string inode;
};

// Calls `use` with each line of a table below its headings, until it returns false.
template <class Use>
void for_each_row(const char* table, Use use) {
  const std::string text = read_file(table).value_or("");
  std::string_view rest = text;
  take_until('\n', rest);
  while (!rest.empty() && use(std::string(take_until('\n', rest)))) {
  }
}

// The states of sockets in the kernel. A UDP socket that is not connected has the one of a closed
// TCP connection.
constexpr unsigned kListen = 0x0A;
constexpr unsigned kUnconnected = 0x07;

// The sockets in this state, from a table in the form of /proc/net/tcp.
std::vector<Row> sockets_in(const char* table, unsigned wanted) {
  std::vector<Row> found;
  for_each_row(table, [&found, wanted](const std::string& line) {
    char local[64];
    unsigned port = 0;
    unsigned state = 0;
    char inode[32];
    const int fields =
        std::sscanf(line.c_str(), "%*s %63[0-9A-F]:%X %*s %X %*s %*s %*s %*s %*s %31s", local,
                    &port, &state, inode);
    if (fields != 4) return true;
    if (state == wanted) found.push_back({local, port, inode});
    // The kernel lists listening sockets first. Tables can be long.
    return wanted != kListen || state == kListen;
  });
  return found;
}

std::vector<Row> listeners(const char* table) {
  return sockets_in(table, kListen);
}

// Adds the Unix sockets that listen. `@` stands for the zero byte of an abstract address.
void add_unix_listeners(std::map<std::string, std::string>& sockets) {
  for_each_row("/proc/net/unix", [&sockets](const std::string& line) {
    unsigned flags = 0;
    char inode[32];
    int path = 0;
    constexpr unsigned kAcceptsConnections = 1U << 16U;  // __SO_ACCEPTCON
    const int fields =
        std::sscanf(line.c_str(), "%*s %*s %*s %X %*s %*s %31s %n", &flags, inode, &path);
    if (fields == 2 && (flags & kAcceptsConnections) != 0) {
      sockets.emplace(inode, line.substr(static_cast<std::size_t>(path)));
    }
    return true;
  });
}

// Returns the inodes of the first of these addresses that has any on this port.
std::vector<std::string> first_inodes(const std::vector<Row>& rows, unsigned port,
                                      const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    std::vector<std::string> found;
    for (const Row& row : rows) {
      if (row.local == address && row.port == port) found.push_back(row.inode);
    }
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

std::vector<std::string> listening_inodes(const SocketAddress& address) {
  const std::string every_v6 = table_text(&in6addr_any, sizeof in6addr_any);
  const unsigned port = address.port();
  const auto v6_rows = [] { return listeners("/proc/net/tcp6"); };
  if (address.storage.ss_family == AF_INET6) {
    const auto& ip = reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr;
    return first_inodes(v6_rows(), port, {table_text(&ip, sizeof ip), every_v6});
  }
  const auto& ip = reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr;
  auto found =
      first_inodes(listeners("/proc/net/tcp"), port, {table_text(&ip, sizeof ip), "00000000"});
  if (!found.empty()) return found;
  unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::memcpy(mapped + 12, &ip, sizeof ip);
  return first_inodes(v6_rows(), port, {table_text(mapped, sizeof mapped), every_v6});
}

std::map<std::string, std::string> open_sockets() {
  std::map<std::string, std::string> sockets;
  for (const char* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    for (const Row& row : listeners(table)) {
      sockets.emplace(row.inode, fmt::format("port {}", row.port));
    }
  }
  for (const char* const table : {"/proc/net/udp", "/proc/net/udp6"}) {
    for (const Row& row : sockets_in(table, kUnconnected)) {
      sockets.emplace(row.inode, fmt::format("UDP port {}", row.port));
    }
  }
  add_unix_listeners(sockets);
  return sockets;
}

Holds holds_socket(pid_t pid, const std::vector<std::string>& inodes) {
  const auto descriptors = descriptors_of(pid);
  if (!descriptors) return Holds::Unknown;
  for (const Descriptor& open : *descriptors) {
    for (const std::string& inode : inodes) {
      if (open.target == fmt::format("socket:[{}]", inode)) return Holds::Yes;
    }
  }
  return Holds::No;
}

PortOwner find_socket_owner(const std::vector<std::string>& inodes) {
  for (const pid_t pid : all_processes()) {
    if (holds_socket(pid, inodes) == Holds::Yes) return {.pid = pid, .text = describe_process(pid)};
  }
  return {.pid = 0, .text = "another process"};
}

std::optional<PortOwner> find_port_owner(const std::vector<SocketAddress>& addresses) {
  for (const SocketAddress& address : addresses) {
    const auto inodes = listening_inodes(address);
    if (!inodes.empty()) return find_socket_owner(inodes);
  }
  return std::nullopt;
}

}  // namespace hpp
