#!/bin/sh
# Puts Debian's kernel and its modules below .cache/guest, for the guest of the tests here: nothing is installed, and it needs
# no root. Does nothing when they are there. x86-64 only.
set -eu
guest=$(realpath "$(dirname "$0")/../..")/.cache/guest
if [ -e "$guest/vmlinuz" ]; then exit 0; fi
mkdir -p "$guest"
download=$(mktemp -d "$guest/download.XXXXXX")
trap 'rm -rf "$download"' EXIT
cd "$download"
# The package of that name only says which one is current.
package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9]\S*\)$/\1/p' | head -1)
apt-get download -qq "$package"
# Of 400 MB of modules, those that a machine with cards can need.
mkdir tree
dpkg-deb --fsys-tarfile ./*.deb | tar -x -C tree --wildcards --exclude='*/drivers/gpu' --exclude='*/drivers/net' \
  --exclude='*/drivers/media' --exclude='*/drivers/infiniband' --exclude='*/sound' './boot/vmlinuz-*' '*/lib/modules/*'
if [ -d tree/usr/lib ]; then mv tree/usr/lib tree/lib; fi
version=${package#linux-image-}
depmod --basedir "$download/tree" "$version"
rm -rf "$guest/modules"
mv tree/lib/modules "$guest/modules"
mv "tree/boot/vmlinuz-$version" "$guest/vmlinuz"
