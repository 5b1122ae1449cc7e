#!/bin/sh
# A `systemd --user` of a test's own, with a journal, also where systemd has not booted the machine. As root:
#   sh user_manager.sh CGROUP UID GID JOURNAL COMMAND…
# COMMAND, systemd with its arguments, runs as that user. JOURNAL is an empty directory for the journal. CGROUP is a
# directory of cgroup2's that does not exist yet. It becomes all that the manager sees of the control groups: one that
# sees more takes the group that it is in for its own, and moves every process that is there.
set -eu

cgroup=$1 uid=$2 gid=$3 journal=$4
if [ "${HPP_IN_CGROUP:-}" != "$cgroup" ]; then
  mkdir "$cgroup"
  echo $$ >"$cgroup/cgroup.procs"
  HPP_IN_CGROUP=$cgroup exec unshare --mount --cgroup sh "$0" "$@"
fi
shift 4

grep -qx '0::/' /proc/self/cgroup
mount -t cgroup2 none /sys/fs/cgroup
[ "$(head -n 1 /sys/fs/cgroup/cgroup.procs)" = $$ ]
chown -R "$uid:$gid" /sys/fs/cgroup

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/systemd/journal.hpp
mount -t tmpfs -o mode=755 tmpfs /var/log
ln -s "$journal" /var/log/journal
# As that of a namespace, the journal leaves the kernel's log and audit alone.
ln -s journal.hpp /run/systemd/journal
/lib/systemd/systemd-journald hpp &
tries=1000
while [ ! -S /run/systemd/journal/stdout ] && [ $tries -gt 0 ]; do
  sleep 0.01
  tries=$((tries - 1))
done
exec setpriv --reuid "$uid" --regid "$gid" --init-groups "$@"
