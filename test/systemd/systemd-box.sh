#!/bin/bash
# shellcheck disable=SC2016 # text in single quotes is for another shell
# Boots a real systemd in a container and runs a script in it: on a machine whose own first process is another one, and without
# leaving anything on it. The container sees this machine's files below a throw-away layer, and the checkout as /opt/ghostroll.
#
#   systemd-box.sh SCRIPT [BLOCK-DEVICE...]      prints what SCRIPT prints, and ends as it does. Root only.
set -eu
checkout=$(realpath "$(dirname "$0")/../..")
script=$(realpath "$1")
shift
layer=$(mktemp -d /dev/shm/ghostroll-box.XXXXXX)
trap 'rm -rf "$layer"' EXIT
export checkout script layer

unshare --mount --propagation private bash -eu -c '
  mkdir "$layer"/{upper,work,root,out}
  mount -t overlay -o lowerdir=/,upperdir="$layer/upper",workdir="$layer/work" overlay "$layer/root"
  umount -R /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  root=$layer/root
  install -m 755 "$script" "$root/usr/local/bin/boxed"
  : >"$root/etc/machine-id"
  rm -f "$root/.dockerenv"
  mkdir -p "$root/opt/ghostroll" "$root/out"
  cd "$root/etc/systemd/system"
  cat >boxed.service <<UNIT
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c "/usr/local/bin/boxed $* >/out/said 2>&1; echo \$\$? >/out/status; systemctl --no-block exit 0"
UNIT
  cat >box.target <<UNIT
[Unit]
Requires=basic.target
Wants=boxed.service
AllowIsolate=yes
UNIT
  # What this machine has besides is no part of the test.
  for unit in systemd-timesyncd e2scrub_reap systemd-networkd systemd-resolved udisks2 multipathd lvm2-monitor; do ln -sf /dev/null "$unit.service"; done
  binds=()
  for device; do binds+=("--bind=$device"); done
  timeout 240 systemd-nspawn --quiet --directory="$root" --bind="$layer/out:/out" --bind-ro="$checkout:/opt/ghostroll" "${binds[@]}" \
    --private-network --register=no --keep-unit --console=pipe --boot systemd.unit=box.target >"$layer/console" 2>&1 </dev/null || true
' bash "$@"

if [ -f "$layer/out/status" ]; then
  cat "$layer/out/said"
  exit "$(cat "$layer/out/status")"
fi
tail -20 "$layer/console" >&2
exit 99
