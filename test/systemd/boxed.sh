#!/bin/bash
# shellcheck disable=SC2016 # text in single quotes is for another shell
# What systemd-box.sh runs: installs the service, and lets things happen to it. Each line it prints, `fact: value`, is asserted on
# in box.test.ts. Its argument is a block device with an ext4 card of six pictures.
set -u
card=${1##*/}
mount_card=/usr/local/lib/ghostroll/mount-card
library=/var/lib/ghostroll
property() { systemctl show --property="$1" --value ghostroll.service; }
until_so() { # until_so SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then return 1; fi
    sleep 0.1
  done
}
logged() { journalctl --quiet --no-pager --output=cat --unit=ghostroll.service | grep -q "$1"; }
fact() { printf '%s: %s\n' "$1" "$2"; }

# A command of the user runs in the service's sandbox: it tries what the service must not be able to do.
tries='for f in /etc /usr /opt/ghostroll /home /run/ghostroll/cards /run/ghostroll/cards/BOX_CARD /dev /var/lib/ghostroll; do (: >$f/written) 2>/dev/null && echo $f; done >>/var/lib/ghostroll/tried; head -c1 /dev/'$card' >>/var/lib/ghostroll/tried 2>/dev/null'
install -d /etc/ghostroll
install -m 600 /dev/stdin /etc/ghostroll/ghostroll.env <<ENV
GHOSTROLL_ON_EVENT=$tries
ENV

/opt/ghostroll/bin/ghostroll install >/tmp/first && fact installed yes
fact state "$(property ActiveState) $(property SubState)"
fact status "$(property StatusText)"
pid=$(property MainPID)
fact user "$(ps --no-headers -o user "$pid")"
/opt/ghostroll/bin/ghostroll install >/tmp/second
fact second "$(grep -c ^write /tmp/second) written"

GHOSTROLL_CARD_FILESYSTEMS=ext4 $mount_card mount "$card" && until_so 60 logged 'gallery complete'
fact gallery "$(journalctl --quiet --no-pager --output=cat --unit=ghostroll.service | grep -o '"tiles":[0-9]*,' | tail -1)"
until_so 30 logged 'Safe to remove'
fact safe "$(findmnt --noheadings /run/ghostroll/cards/BOX_CARD | wc -l) mounted"
fact originals "$(find $library/originals -name '*.JPG' | wc -l)"
fact sandbox "$(sort -u $library/tried | tr '\n' ' ')"
fact sessions "$(ghostroll sessions | grep -c BOX_CARD)"

# Again, now with a program that uses it: the service asks for its release as before, and must not get it.
GHOSTROLL_CARD_FILESYSTEMS=ext4 $mount_card mount "$card" >/dev/null
(cd /run/ghostroll/cards/BOX_CARD && exec sleep 120) &
holder=$!
fact mounted "$(findmnt --noheadings --output OPTIONS /run/ghostroll/cards/BOX_CARD | grep -o '^ro,nosuid,nodev,noexec')"
fact sees "$(findmnt --task "$(property MainPID)" --noheadings --output TARGET | grep -c BOX_CARD)"
mkdir -p /mnt/other
mount -t tmpfs tmpfs /mnt/other
echo precious >/mnt/other/file
# Everything a service that was taken over could put there.
setpriv --reuid=ghostroll --regid=ghostroll --clear-groups bash -c 'cd /run/ghostroll/release && ln -s /mnt/other other && ln -s /run/ghostroll/cards/BOX_CARD .hidden && mkdir "a b;reboot" folder && touch folder/file -- "-rf" "\$(reboot)" ..BOX_CARD'
until_so 20 test -z "$(ls -A /run/ghostroll/release)"
sleep 0.3
fact hostile "$(cat /mnt/other/file) $(find /run/ghostroll/release -mindepth 1 ! -name BOX_CARD | wc -l) left, $(findmnt --noheadings --output TARGET /run/ghostroll/cards/BOX_CARD | wc -l) mounted"
setpriv --reuid=ghostroll --regid=ghostroll --clear-groups touch /run/ghostroll/release/BOX_CARD
until_so 20 sh -c 'systemctl is-failed ghostroll-release.service'
fact held "$(findmnt --noheadings --output TARGET /run/ghostroll/cards/BOX_CARD)"
kill $holder
setpriv --reuid=ghostroll --regid=ghostroll --clear-groups touch /run/ghostroll/release/BOX_CARD
until_so 20 test ! -e /run/ghostroll/cards/BOX_CARD
fact released "$(find /run/ghostroll/cards -mindepth 1 -maxdepth 1 | wc -l) left"
GHOSTROLL_CARD_FILESYSTEMS="vfat exfat" $mount_card mount "$card"
fact refused "$(find /run/ghostroll/cards -mindepth 1 -maxdepth 1 | wc -l) mounted"

pid=$(property MainPID)
echo GHOSTROLL_WEB_PORT=none >>/etc/ghostroll/ghostroll.env
systemctl reload ghostroll.service
until_so 20 logged 'WEB_PORT is .*none.* stay as they were'
sed -i '$d' /etc/ghostroll/ghostroll.env
echo GHOSTROLL_WEB_PORT=8082 >>/etc/ghostroll/ghostroll.env
systemctl reload ghostroll.service
until_so 20 logged '127.0.0.1:8082'
fact reloaded "$(systemctl is-active ghostroll.service), $([ "$(property MainPID)" = "$pid" ] && echo 'same process'), $(journalctl --quiet --no-pager --output=cat --unit=ghostroll.service | grep -c 'stay as they were') refused, $(journalctl --quiet --no-pager --output=cat --unit=ghostroll.service | grep -c '127.0.0.1:8082') taken, $(stat -c '%a %U' /run/ghostroll/settings.env)"

mkdir -p /etc/systemd/system/ghostroll.service.d
printf '[Service]\nWatchdogSec=4\nRestartSec=1\n' >/etc/systemd/system/ghostroll.service.d/fast.conf
systemctl daemon-reload
systemctl restart ghostroll.service
pid=$(property MainPID)
sleep 6
fact fed "$([ "$(property MainPID)" = "$pid" ] && echo 'same process after 1.5 watchdog times')"
kill -STOP "$pid"
until_so 30 logged "watchdog" && until_so 30 sh -c "[ \"\$(systemctl show -P MainPID ghostroll.service)\" != $pid ] && systemctl is-active ghostroll.service"
fact watchdog "$(property ActiveState), $(property NRestarts) restarts"
kill -KILL "$(property MainPID)"
until_so 30 sh -c '[ "$(systemctl show -P NRestarts ghostroll.service)" = 2 ] && systemctl is-active ghostroll.service'
fact crash "$(property ActiveState), $(property NRestarts) restarts"
systemctl stop ghostroll.service
fact stopped "$(property Result) $(property ExecMainStatus), $(pgrep -u ghostroll | wc -l) processes left"
/opt/ghostroll/bin/ghostroll uninstall >/dev/null
fact uninstalled "$(find /etc /usr/local -xdev -path '*ghostroll*' ! -path '*/ghostroll.service.d*' 2>/dev/null | sort | tr '\n' ' ')"
fact kept "$(find $library/originals -name '*.JPG' | wc -l)"
