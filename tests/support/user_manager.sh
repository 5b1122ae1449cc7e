#!/bin/sh
# Runs a `systemd --user` for one test, with its own journal. The machine need not be booted by systemd. As root:
#   sh user_manager.sh CGROUP UID GID JOURNAL COMMAND…
# COMMAND is systemd with its arguments, and runs as the user UID. JOURNAL is an empty directory for the journal. CGROUP
# is a directory in cgroup2 that does not exist yet. The manager sees only this part of the control groups. Otherwise it
# would take over the group in which it is started, and move all processes in it.
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
# With a namespace (hpp), journald does not read the kernel's log and audit messages.
ln -s journal.hpp /run/systemd/journal
/lib/systemd/systemd-journald hpp &
tries=1000
while [ ! -S /run/systemd/journal/stdout ] && [ $tries -gt 0 ]; do
  sleep 0.01
  tries=$((tries - 1))
done
exec setpriv --reuid "$uid" --regid "$gid" --init-groups "$@"
