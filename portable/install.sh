#!/bin/sh
# Installs hpp from its unpacked tarball, or removes it. Needs no root.
#   ./install.sh [PREFIX]                   in PREFIX, an absolute path, or in ~/.local
#   PREFIX/share/hpp/install.sh --uninstall
# Running instances are not stopped: after an upgrade, they use the new programs as soon as you restart them.
set -eu
umask 022  # other users may run what root installs
export LC_ALL=C  # the order of paths

stop() {
  echo "install.sh: $*" >&2
  exit 1
}

here=$(dirname "$(readlink -f "$0")")
action=install
if [ "${1:-}" = --uninstall ]; then action=uninstall; shift; fi
case "$action:$#:${1:-}" in
  install:0: | install:1:/*) prefix=${1:-${HOME:?is not set: name a PREFIX}/.local} ;;
  uninstall:0:) prefix=$(dirname "$(dirname "$here")") ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
# The installed files, and with a slash at the end the directories that were made for them.
list=$prefix/share/hpp/installed-files

# Tells the service manager of this user, if there is one, that units have changed.
reload_units() {
  systemctl --user daemon-reload 2>/dev/null || true
}

# Removes the files and directories that stdin names. Other programs may have files in the directories.
remove() {
  sort -r | while IFS= read -r name; do
    case $name in
      */) rmdir "$prefix/$name" 2>/dev/null || true ;;
      *) rm -f "$prefix/$name" ;;
    esac
  done
}

uninstall() {
  [ -e "$list" ] || stop "this script was not installed with hpp: there is no $list"
  names=$(cat "$list")
  rm "$list"
  printf '%s\n' "$names" | remove
  reload_units
  echo "removed hpp from $prefix"
}

# Makes a directory of the prefix, and adds those that were not there to the new list.
make() {
  [ ! -d "$prefix/$1" ] || return 0
  case $1 in */*) make "${1%/*}" ;; esac
  mkdir "$prefix/$1"
  echo "$1/" >>"$new"
}

install() {
  for needed in bin/hpp-launch libexec/hpp share/hpp; do
    [ -e "$here/$needed" ] || stop "there is no $needed in $here: run the install.sh of an unpacked tarball"
  done
  # A unit of systemd cannot have these in a path, or sed cannot have them in its command below.
  case $prefix in
    *[\"%\$\\,\&]* | *'
'*) stop "$prefix has a character that the path of hpp cannot have: choose another PREFIX" ;;
  esac
  "$here/bin/hpp-launch" --version >/dev/null || stop \
    "hpp does not run here: this system is older than the one that hpp was built on, or of another kind." \
    "Nothing was changed. To build hpp for this system, run tools/package --portable in its repository"
  mkdir -p "$prefix"
  [ "$(readlink -f "$prefix")" != "$here" ] || stop "$prefix is the tarball itself: choose another PREFIX"

  cd "$here"
  new=$(mktemp)
  trap 'rm -f "$new"' EXIT
  if [ -e "$list" ]; then sed -n '/\/$/p' "$list" >"$new"; fi
  find bin libexec share -type f -o -type l | sort | while IFS= read -r file; do
    make "${file%/*}"
    cp -P --remove-destination "$file" "$prefix/$file"
    echo "$file" >>"$new"
  done
  for unit in share/systemd/user/hpp-*.service; do
    sed "s,@helper_dir@,$prefix/libexec/hpp," "$unit" >"$prefix/$unit"
  done
  cp --remove-destination install.sh "$prefix/share/hpp/install.sh"
  echo share/hpp/install.sh >>"$new"
  # The files of the old version are removed when the new one is complete.
  if [ -e "$list" ]; then grep -vxFf "$new" "$list" | remove; fi
  cat "$new" >"$list"
  reload_units

  echo "installed hpp in $prefix"
  case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) echo "add it to your PATH, for example in ~/.profile: PATH=$prefix/bin:\$PATH" ;;
  esac
  echo "for completion in zsh, put this before compinit in ~/.zshrc: fpath=($prefix/share/zsh/site-functions \$fpath)"
  case $prefix in
    "${HOME:-}/.local" | /usr/local | /usr) ;;
    *) echo "to use the units of systemd: systemctl --user link $prefix/share/systemd/user/hpp*" ;;
  esac
  echo "to remove hpp: $prefix/share/hpp/install.sh --uninstall"
}

$action
