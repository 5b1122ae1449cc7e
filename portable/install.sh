#!/bin/sh
# Installs hpp from its unpacked tarball, or removes it. Needs no root.
#   ./install.sh [PREFIX]                   in PREFIX, or in ~/.local
#   PREFIX/share/hpp/install.sh --uninstall
# Running instances are not stopped: after an upgrade, they use the new programs as soon as you restart them.
set -eu

uninstall=
if [ "${1:-}" = --uninstall ]; then uninstall=1; shift; fi
case "$#:${1:-}" in
  0: | 1:/*) ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
if [ -e "$here/installed-files" ]; then
  prefix=$(cd "$here/../.." && pwd)
else
  prefix=${1:-$HOME/.local}
fi
list=$prefix/share/hpp/installed-files

# Tells the service manager of this user, if there is one, that units have changed.
reload_units() {
  systemctl --user daemon-reload 2>/dev/null || true
}

# Removes the files of the list, and the directories that are empty then.
remove() (
  cd "$prefix"
  directories=$(sed -n 's,/[^/]*$,,p' "$list" | sort -ru)
  while IFS= read -r file; do rm -f "$file"; done <"$list"
  rm "$list"
  for directory in $directories; do rmdir -p "$directory" 2>/dev/null || true; done
)

if [ -n "$uninstall" ]; then
  [ -e "$list" ] || { echo "install.sh: hpp is not installed in $prefix: there is no $list" >&2; exit 1; }
  remove
  reload_units
  echo "removed hpp from $prefix"
  exit 0
fi

[ -x "$here/bin/hpp-launch" ] || {
  echo "install.sh: there is no hpp in $here: run the install.sh of an unpacked tarball" >&2
  exit 1
}
case $prefix in
  *[!A-Za-z0-9/._+@-]*)
    echo "install.sh: $prefix has a character that a unit of systemd cannot have in a path: choose another PREFIX" >&2
    exit 1
    ;;
esac
if [ -e "$list" ]; then remove; fi
mkdir -p "$prefix/share/hpp"
cd "$here"
find bin libexec share -type f -o -type l | sort >"$list"
while IFS= read -r file; do
  mkdir -p "$prefix/${file%/*}"
  cp -P --remove-destination "$file" "$prefix/$file"
done <"$list"
for unit in share/systemd/user/hpp-*.service; do
  sed "s,@helper_dir@,$prefix/libexec/hpp," "$unit" >"$prefix/$unit"
done
cp --remove-destination install.sh "$prefix/share/hpp/install.sh"
echo share/hpp/install.sh >>"$list"
reload_units

echo "installed hpp in $prefix"
case :$PATH: in
  *:"$prefix/bin":*) ;;
  *) echo "add it to your PATH, for example in ~/.profile: PATH=$prefix/bin:\$PATH" ;;
esac
echo "for completion in zsh, put this before compinit in ~/.zshrc: fpath=($prefix/share/zsh/site-functions \$fpath)"
echo "to remove hpp: $prefix/share/hpp/install.sh --uninstall"
