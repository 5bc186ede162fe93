#!/bin/sh
# radosgw.sh FOLDER GATEWAY_PORT MONITOR_PORT
# Runs a real Ceph object gateway on loopback, everything in memory, without root. Prints "ready" on stdout when it answers
# and ends, with all it started, when its stdin is closed: so nothing stays behind however the test dies.
# Debian: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
# FOLDER must be new and its path short: a unix socket's may have 107 bytes (unix(7)).
# The user's keys come from S3_ACCESS_KEY and S3_SECRET_KEY; RADOSGW_UNDER is put before the gateway's command.
set -eu
folder=$1 gateway=$2 monitor=$3
mkdir -p "$folder/mon" "$folder/osd" "$folder/rgw" "$folder/run" "$folder/log"
cluster=$(cat /proc/sys/kernel/random/uuid)
disk=$(cat /proc/sys/kernel/random/uuid)

# auth none: nothing to hand out between three processes of one test. With it the gateway must be told `crc`, else it waits
# for a secure connection for over a minute. paxos: by default every pool that is made costs a second.
cat > "$folder/ceph.conf" <<CONF
[global]
fsid = $cluster
mon_host = [v2:127.0.0.1:$monitor]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_warn = 2
mon_data_avail_crit = 1
run_dir = $folder/run
crash_dir = $folder/run
admin_socket = $folder/run/\$name.asok
log_file = $folder/log/\$name.log
keyring = $folder/keyring
[mon]
mon_data = $folder/mon
[osd]
osd_data = $folder/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
[client.rgw]
rgw_data = $folder/rgw
rgw_frontends = beast endpoint=127.0.0.1:$gateway
rgw_thread_pool_size = 32
CONF

started=
finish() {
  # Nothing is worth keeping: the gateway alone would take five seconds to end politely.
  for pid in $started; do kill -9 "$pid" 2>/dev/null || true; done
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

start() {
  "$@" --conf "$folder/ceph.conf" -f >"$folder/log/$1.out" 2>&1 </dev/null &
  started="$started $!"
}

ceph_says() {
  timeout 5 ceph --conf "$folder/ceph.conf" "$@" 2>/dev/null
}

# until_it TRIES COMMAND...: a tenth of a second between tries.
until_it() {
  tries=$1
  shift
  while ! "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "gave up waiting for: $*; see $folder/log" >&2; exit 1; }
    sleep 0.1
  done
}

monitor_answers() { ceph_says -s >/dev/null; }
disk_is_up() { ceph_says osd stat | grep -q "1 up"; }
gateway_answers() { [ "$(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://127.0.0.1:$gateway/")" = 200 ]; }

{
  ceph-authtool --create-keyring "$folder/keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$folder/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
  monmaptool --create --fsid "$cluster" --addv a "[v2:127.0.0.1:$monitor]" "$folder/monmap"
  ceph-mon --conf "$folder/ceph.conf" --mkfs -i a --monmap "$folder/monmap" --keyring "$folder/keyring"
} >"$folder/log/prepare.out" 2>&1
start ceph-mon -i a
until_it 100 monitor_answers
ceph_says osd new "$disk" >/dev/null
ceph-osd --conf "$folder/ceph.conf" -i 0 --mkfs --osd-uuid "$disk" >>"$folder/log/prepare.out" 2>&1
start ceph-osd -i 0
until_it 100 disk_is_up
# shellcheck disable=SC2086
start ${RADOSGW_UNDER-} radosgw -n client.rgw
until_it 300 gateway_answers
radosgw-admin --conf "$folder/ceph.conf" user create --uid=ghostroll --display-name=ghostroll \
  --access-key="$S3_ACCESS_KEY" --secret-key="$S3_SECRET_KEY" >"$folder/log/user.out" 2>&1
echo ready
# Until the other end of stdin is gone.
cat >/dev/null
