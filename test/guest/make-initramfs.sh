#!/bin/sh
# make-initramfs.sh OUT: what the guest starts with, busybox and the modules that it takes to reach this machine's files.
set -eu
here=$(realpath "$(dirname "$0")")
modules=$here/../../.cache/guest/modules
version=$(ls "$modules")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/modules" "$tree/proc" "$tree/base"
# modprobe looks for modules below lib/modules of another root.
mkdir "$tree/base/lib"
ln -s "$(realpath "$modules")" "$tree/base/lib/modules"
for module in virtio_pci 9pnet_virtio 9p overlay; do
  modprobe --dirname "$tree/base" --set-version "$version" --show-depends "$module" | sed -n 's/^insmod //p'
done | awk '!seen[$0]++' | while read -r file; do
  name=$(basename "${file%.xz}")
  case $file in *.xz) xz --decompress --stdout "$file" ;; *) cat "$file" ;; esac >"$tree/modules/$name"
  echo "$name" >>"$tree/modules/order"
done
rm -r "$tree/base"
cp "$(command -v busybox)" "$tree/busybox"
cp "$here/init" "$tree/init"
chmod 755 "$tree/init" "$tree/busybox"
(cd "$tree" && find . | cpio --create --format=newc --quiet) | gzip -1 >"$1"
