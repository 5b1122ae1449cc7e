#include "common/mounts.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/path.h"
#include "common/read_number.h"
#include "common/take_until.h"

namespace hpp {
namespace {

constexpr std::array<std::string_view, 24> kSilentTypes{
    // Network and cluster file systems.
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "lustre", "gpfs",
    "beegfs", "glusterfs", "orangefs", "pvfs2", "ocfs2", "gfs2",
    // Folders that the host shares with a virtual machine or container: QEMU and WSL 2, Kata and
    // QEMU, VirtualBox, VMware, Parallels, Docker Desktop.
    "9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "fakeowner",
    // FUSE without a subtype.
    "fuse"};

struct Number {
  std::uint64_t number;
  std::string_view type;
};

// Source: linux/magic.h, and statfs(2).
constexpr std::array<Number, 17> kNumbers{{{0x6969, "nfs"},
                                           {0xFF534D42, "cifs"},
                                           {0xFE534D42, "smb3"},
                                           {0x517B, "smbfs"},
                                           {0x564C, "ncpfs"},
                                           {0x5346414F, "afs"},
                                           {0x6B414653, "afs"},
                                           {0x73757245, "coda"},
                                           {0x00C36400, "ceph"},
                                           {0x0BD00BD0, "lustre"},
                                           {0x47504653, "gpfs"},
                                           {0x7461636F, "ocfs2"},
                                           {0x01161970, "gfs2"},
                                           {0x01021997, "9p"},
                                           {0x786F4256, "vboxsf"},
                                           {0xBACBACBC, "vmhgfs"},
                                           {0x65735546, "fuse"}}};

bool is_octal(std::string_view digits) {
  return digits.size() == 3 && digits.find_first_not_of("01234567") == digits.npos &&
         digits[0] < '4';
}

// The kernel writes blanks, newlines and backslashes as `\040`, `\012` and `\134`.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view digits = text.substr(at + 1, 3);
    if (text[at] != '\\' || !is_octal(digits)) {
      result += text[at];
      continue;
    }
    result += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0');
    at += 3;
  }
  return result;
}

// `36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 … - ext3 /dev/root rw`: any number of optional fields
// comes before the dash.
std::optional<Mount> read_mount(std::string_view line) {
  const auto id = read_number<std::int64_t>(take_until(' ', line));
  const auto parent = read_number<std::int64_t>(take_until(' ', line));
  take_until(' ', line);  // device
  take_until(' ', line);  // root of the mount in the file system
  std::string point = unescaped(take_until(' ', line));
  while (!line.empty() && take_until(' ', line) != "-") continue;
  std::string type = unescaped(take_until(' ', line));
  if (!id || !parent || !point.starts_with('/') || type.empty()) return std::nullopt;
  return Mount{.id = *id, .parent = *parent, .point = std::move(point), .type = std::move(type)};
}

// Returns the mount that the kernel reaches first from `mount` on the way to `path`. If two mounts
// are at the same place, the later one hides the other.
const Mount* next_on_way(const std::vector<Mount>& mounts, const Mount& mount,
                         std::string_view path) {
  const Mount* next = nullptr;
  for (const Mount& one : mounts) {
    const bool is_on_way =
        one.parent == mount.id && one.id != mount.id && is_at_or_below(path, one.point);
    if (is_on_way && (next == nullptr || one.point.size() <= next->point.size())) next = &one;
  }
  return next;
}

const Mount* root_of(const std::vector<Mount>& mounts) {
  const auto is_root = [&](const Mount& mount) {
    if (mount.point != "/") return false;
    return std::none_of(mounts.begin(), mounts.end(), [&](const Mount& other) {
      return other.id == mount.parent && other.id != mount.id;
    });
  };
  const auto found = std::find_if(mounts.begin(), mounts.end(), is_root);
  return found == mounts.end() ? nullptr : &*found;
}

// Follows the mounts as the kernel follows a path, because a mount may hide others below it.
const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* mount = root_of(mounts);
  for (std::size_t i = 0; mount != nullptr && i < mounts.size(); ++i) {
    const Mount* const next = next_on_way(mounts, *mount, path);
    if (next == nullptr) return mount;
    mount = next;
  }
  return mount;
}

std::string relative_to(std::string_view folder, std::string_view path) {
  return std::string(path.substr(folder == "/" ? 1 : folder.size() + 1));
}

}  // namespace

std::vector<Mount> read_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  while (!mountinfo.empty()) {
    if (auto mount = read_mount(take_until('\n', mountinfo))) mounts.push_back(std::move(*mount));
  }
  return mounts;
}

bool is_silent(std::string_view type) {
  if (type == "fuse.fuse-overlayfs") return false;
  if (type.starts_with("fuse.")) return true;
  return std::find(kSilentTypes.begin(), kSilentTypes.end(), type) != kSilentTypes.end();
}

std::string_view type_of_number(std::uint64_t f_type) {
  const auto found = std::find_if(kNumbers.begin(), kNumbers.end(),
                                  [&](const Number& one) { return one.number == f_type; });
  return found == kNumbers.end() ? "" : found->type;
}

FolderMounts mounts_of(std::string_view folder, const std::vector<Mount>& mounts,
                       std::uint64_t f_type) {
  const Mount* const own = mount_of(mounts, folder);
  FolderMounts result{.type = own == nullptr ? std::string(type_of_number(f_type)) : own->type};
  if (is_silent(result.type)) return result;
  for (const Mount& mount : mounts) {
    const bool is_below = mount.point != folder && is_at_or_below(mount.point, folder);
    if (!is_below || !is_silent(mount.type)) continue;
    if (own != nullptr && mount_of(mounts, mount.point) != &mount) continue;
    result.silent.push_back(mount);
    result.silent.back().point = relative_to(folder, mount.point);
  }
  std::erase_if(result.silent, [all = result.silent](const Mount& mount) {
    return std::any_of(all.begin(), all.end(), [&](const Mount& outer) {
      return outer.point != mount.point && is_at_or_below(mount.point, outer.point);
    });
  });
  std::sort(result.silent.begin(), result.silent.end(),
            [](const Mount& one, const Mount& other) { return one.point < other.point; });
  return result;
}

}  // namespace hpp
