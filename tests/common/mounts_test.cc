#include "common/mounts.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

using Names = std::vector<std::string>;

// The type of the folder's file system, and `path: type` for each silent mount below.
Names seen(const char* mountinfo, const char* folder, std::uint64_t f_type = 0) {
  const FolderMounts mounts = mounts_of(folder, read_mounts(mountinfo), f_type);
  Names names{mounts.type};
  for (const Mount& mount : mounts.silent) names.push_back(mount.point + ": " + mount.type);
  return names;
}

// A desktop with NFS by autofs, an sshfs with a blank in its name, a bind mount of the NFS, a USB
// stick (NTFS-3G), and gvfs.
constexpr const char* kDesktop =
    R"(22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
23 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/mapper/root rw,errors=remount-ro
35 23 0:31 / /proc/sys/fs/binfmt_misc rw,relatime shared:14 - autofs systemd-1 rw,fd=29,pgrp=1
60 28 254:3 / /home rw,relatime shared:31 - ext4 /dev/mapper/home rw
71 60 0:45 / /home/me/net rw,relatime shared:40 - autofs systemd-1 rw,fd=52,direct
72 71 0:46 /export /home/me/net rw,relatime shared:41 master:2 propagate_from:3 - nfs4 nas:/export rw,vers=4.2
73 60 0:47 / /home/me/shop/on\040the\040server rw,nosuid,nodev,relatime shared:42 - fuse.sshfs me@box:/srv rw
74 60 0:46 /export/shop /home/me/shop/assets rw,relatime shared:41 - nfs4 nas:/export rw,vers=4.2
75 60 0:48 / /home/me/shop/usb rw shared:44 - fuseblk /dev/sdb1 rw,user_id=0
76 60 0:49 / /home/me/shop-2/data rw - cifs //nas/data rw
77 28 0:50 / /run/user/1000/gvfs rw,nosuid - fuse.gvfsd-fuse gvfsd-fuse rw
)";

TEST(Mounts, ALineGivesIdParentPointAndType) {
  EXPECT_EQ(
      read_mounts("36 35 98:0 /mnt1 /mnt\\0402\\134\\012 rw,noatime master:1 - ext3 /dev/root "
                  "rw,errors=continue\n"),
      (std::vector<Mount>{{.id = 36, .parent = 35, .point = "/mnt 2\\\n", .type = "ext3"}}));
  EXPECT_EQ(read_mounts("1 0 0:2 / / rw - rootfs none rw").size(), 1U)
      << "without optional fields, without a newline at the end";
}

TEST(Mounts, BadEscapesAreKept) {
  EXPECT_EQ(read_mounts("1 0 0:2 / /a\\04\\999\\400\\ rw - x y z")[0].point, "/a\\04\\999\\400\\");
}

TEST(Mounts, LinesWithoutTheFormatAreSkipped) {
  for (const char* line : {"", "\n\n", "a 0 0:2 / / rw - x y z", "1 0 0:2 / / rw x y z", "1 0 0:2",
                           "1 0 0:2 / a rw - x y z", "1 0 0:2 / / rw -", "1 0 0:2 / / rw - "}) {
    EXPECT_TRUE(read_mounts(line).empty()) << line;
  }
}

TEST(Mounts, AFolderHasTheTypeOfTheMountThatHoldsIt) {
  EXPECT_EQ(seen(kDesktop, "/home/me/www"), Names{"ext4"});
  EXPECT_EQ(seen(kDesktop, "/home/me/net/shop"), Names{"nfs4"}) << "it hides the autofs";
  EXPECT_EQ(seen(kDesktop, "/home/me/shop/on the server/a"), Names{"fuse.sshfs"});
  EXPECT_EQ(seen(kDesktop, "/home/me/shop/assets"), Names{"nfs4"}) << "a bind mount";
  EXPECT_EQ(seen(kDesktop, "/home/me/shop/usb"), Names{"fuseblk"});
}

TEST(Mounts, SilentMountsBelowAFolderAreListed) {
  EXPECT_EQ(seen(kDesktop, "/home/me/shop"),
            (Names{"ext4", "assets: nfs4", "on the server: fuse.sshfs"}));
  EXPECT_EQ(
      seen(kDesktop, "/"),
      (Names{"ext4", "home/me/net: nfs4", "home/me/shop-2/data: cifs", "home/me/shop/assets: nfs4",
             "home/me/shop/on the server: fuse.sshfs", "run/user/1000/gvfs: fuse.gvfsd-fuse"}));
}

TEST(Mounts, ASilentFolderIsPolledWithAllMountsBelow) {
  EXPECT_EQ(seen("1 0 0:1 / / rw - 9p root rw\n2 1 0:2 / /a rw - nfs n:/ rw\n", "/"), Names{"9p"});
}

TEST(Mounts, MountsBelowASilentMountBelongToIt) {
  EXPECT_EQ(seen("1 0 0:1 / / rw - ext4 d rw\n2 1 0:2 / /p/a rw - nfs n:/ rw\n"
                 "3 2 0:3 / /p/a/b rw - cifs //n rw\n4 1 0:4 / /p/a-b rw - cifs //n rw\n",
                 "/p"),
            (Names{"ext4", "a: nfs", "a-b: cifs"}));
}

TEST(Mounts, OfStackedMountsTheLastOneCounts) {
  constexpr const char* kStack =
      "1 0 0:1 / / rw - ext4 d rw\n2 1 0:2 / /p/a rw - nfs n:/ rw\n3 2 0:3 / /p/a rw - tmpfs t "
      "rw\n";
  EXPECT_EQ(seen(kStack, "/p/a"), Names{"tmpfs"});
  EXPECT_EQ(seen(kStack, "/p"), Names{"ext4"});
  EXPECT_EQ(seen("1 0 0:1 / / rw - ext4 d rw\n2 1 0:2 / /a rw - tmpfs t rw\n"
                 "3 1 0:3 / /a rw - nfs n:/ rw\n",
                 "/a"),
            Names{"nfs"})
      << "two mounts with one parent";
}

TEST(Mounts, AMountCanHideOthersBelow) {
  constexpr const char* kHidden =
      "1 0 0:1 / / rw - ext4 d rw\n2 1 0:2 / /a/b rw - nfs n:/ rw\n3 1 0:3 / /a rw - ext4 e rw\n";
  EXPECT_EQ(seen(kHidden, "/a/b/c"), Names{"ext4"});
  EXPECT_EQ(seen(kHidden, "/a"), Names{"ext4"});
}

TEST(Mounts, InAContainerTheSharedFolderIsSilent) {
  constexpr const char* kDocker =
      R"(613 560 0:54 / / rw,relatime master:258 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B,upperdir=/u,workdir=/w
614 613 0:57 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
619 613 254:1 /var/lib/docker/containers/1/hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw
620 613 0:39 /Users/me/shop /app rw,relatime - fakeowner /run/host_mark/Users rw,fakeowner
621 620 254:1 /var/lib/docker/volumes/1/_data /app/node_modules rw,relatime master:29 - ext4 /dev/vda1 rw
)";
  EXPECT_EQ(seen(kDocker, "/srv"), Names{"overlay"});
  EXPECT_EQ(seen(kDocker, "/app"), Names{"fakeowner"});
  EXPECT_EQ(seen(kDocker, "/app/node_modules"), Names{"ext4"});
  EXPECT_EQ(seen(kDocker, "/"), (Names{"overlay", "app: fakeowner"}));
}

TEST(Mounts, InWsl2TheDrivesOfWindowsAreSilent) {
  constexpr const char* kWsl =
      R"(67 76 8:32 / / rw,relatime - ext4 /dev/sdc rw,discard,errors=remount-ro
78 67 0:29 / /mnt/wsl rw,relatime shared:1 - tmpfs none rw
83 67 0:32 / /usr/lib/wsl/drivers ro,nosuid,nodev,noatime - 9p none ro,dirsync,aname=drivers
105 67 0:55 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync,aname=drvfs;path=C:\;uid=1000;gid=1000,mmap,access=client,msize=65536,trans=fd,rfd=5,wfd=5
)";
  EXPECT_EQ(seen(kWsl, "/mnt/c/Users/me/shop"), Names{"9p"});
  EXPECT_EQ(seen(kWsl, "/home/me/shop"), Names{"ext4"});
}

TEST(Mounts, TheRootMayBeMountedOverTheFirstRoot) {
  EXPECT_EQ(seen("1 1 0:1 / / rw - rootfs rootfs rw\n20 1 0:2 / / rw - virtiofs root rw\n", "/app"),
            Names{"virtiofs"});
}

TEST(Mounts, WithoutTheFoldersMountItsNumberDecides) {
  for (const char* mountinfo : {"", "20 1 0:2 / /proc rw - proc proc rw\n"}) {
    EXPECT_EQ(seen(mountinfo, "/app", 0x6969), Names{"nfs"});
    EXPECT_EQ(seen(mountinfo, "/app", 0x65735546), Names{"fuse"});
    EXPECT_EQ(seen(mountinfo, "/app", 0xEF53), Names{""});
  }
  EXPECT_EQ(seen("20 1 0:2 / /app/a rw - nfs n:/ rw\n", "/app", 0xEF53), (Names{"", "a: nfs"}));
}

TEST(Mounts, ALoopOfParentsEnds) {
  EXPECT_EQ(seen("1 0 0:1 / / rw - ext4 d rw\n2 3 0:2 / /a rw - nfs n:/ rw\n"
                 "3 2 0:3 / /a rw - tmpfs t rw\n",
                 "/a"),
            Names{"ext4"});
}

TEST(Mounts, TypesThatOthersCanWriteToAreSilent) {
  for (const char* type :
       {"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "vboxsf", "fuse", "fuse.sshfs",
        "fuse.bindfs", "fuse.rclone", "fuse.grpcfuse", "fuse.vmhgfs-fuse", "ceph"}) {
    EXPECT_TRUE(is_silent(type)) << type;
  }
  for (const char* type : {"", "ext4", "btrfs", "xfs", "tmpfs", "overlay", "fuseblk", "autofs",
                           "fuse.fuse-overlayfs", "zfs", "ecryptfs", "fusectl"}) {
    EXPECT_FALSE(is_silent(type)) << type;
  }
}

}  // namespace
}  // namespace hpp
