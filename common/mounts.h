// Pure. Decides from the list of mounts whether the file system below a folder reports all changes.
//
// Watchman and inotify learn of a change from this machine's kernel. The kernel reports the changes
// that go through it. On a file system that another machine, the host of a container or virtual
// machine, or a FUSE daemon can change by another way, it does not report those changes: such a
// file system is called *silent* here, and hpp has to poll it.
//
//   network file systems    silent: other machines write to the server.
//   9p, virtiofs, vboxsf    silent: the host writes to the shared folder.
//   FUSE                    silent: only the daemon knows the ways to its files (sshfs, bindfs).
//                           The exceptions are `fuseblk` (NTFS-3G, exFAT), whose daemon owns a
//                           whole block device, and fuse-overlayfs, for the reason of overlay.
//   overlay                 not silent, whatever its layers are: they must not be changed while
//                           they are mounted (the kernel's filesystems/overlayfs.rst), and
//                           everything else goes through the kernel.
//   autofs                  not silent: it has no files. Another file system is mounted over it.
//   bind mounts             have the type of the file system that they show.
//   any other type          not silent.
//
// Source of the format: proc_pid_mountinfo(5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

struct Mount {
  std::int64_t id = 0;
  std::int64_t parent = 0;  // id of the mount on which this one is mounted
  std::string point;        // absolute path of the folder at which it is mounted; bytes
  std::string type;         // `ext4`, `nfs4`, `fuse.sshfs`

  bool operator==(const Mount&) const = default;
};

// Reads /proc/self/mountinfo. A line that does not have the format is skipped.
std::vector<Mount> read_mounts(std::string_view mountinfo);

// Whether a file system of this type does not report all changes.
bool is_silent(std::string_view type);

// Returns the type of a file system by its number (`f_type`, statfs(2)), as far as silent types are
// concerned; else "". FUSE has one number for all its types.
std::string_view type_of_number(std::uint64_t f_type);

// The file systems of a folder.
struct FolderMounts {
  // Type of the folder's own file system; empty: not known, and not silent.
  std::string type;
  // If that is not silent: the silent mounts below the folder, in the order of their paths, which
  // are relative to the folder. Mounts below these are left out.
  std::vector<Mount> silent{};

  bool operator==(const FolderMounts&) const = default;
};

// `folder` is an absolute path without symbolic links. `f_type` is the number of its file system,
// which decides if the list of mounts does not have the folder, as after chroot(2).
FolderMounts mounts_of(std::string_view folder, const std::vector<Mount>& mounts,
                       std::uint64_t f_type);

}  // namespace hpp
