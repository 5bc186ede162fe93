#!/bin/sh
# Runs its arguments under the Node that npm installed with the project (optionalDependencies), else the system's.
# better-sqlite3 13 needs N-API 10: it crashes without a word below Node 22.14, so an older system Node is refused here.
root=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
case "$(uname -m)" in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) arch=none ;;
esac
node="$root/node_modules/node-linux-$arch/bin/node"
if [ ! -x "$node" ]; then
  node=$(command -v node) || node=
  if [ -z "$node" ] || ! "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 22) ? 0 : 1)'; then
    echo "GhostRoll needs Node 22.22 or newer. Run 'npm ci' in $root: it brings the right one (64-bit Linux on x86 or ARM)." >&2
    exit 78
  fi
fi
NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/.cache/node}"
export NODE_COMPILE_CACHE
exec "$node" "$@"
