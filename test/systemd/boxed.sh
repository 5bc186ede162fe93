#!/bin/bash
# shellcheck disable=SC2016 # text in single quotes is for another shell
# What systemd-box.sh runs: installs the service, and lets things happen to it. Each line it prints, `fact: value`, is asserted on
# in box.test.ts. Its arguments are block devices with ext4: a card of six pictures, and a stick STICK with a letter.
set -u
card=${1##*/} stick=${2##*/}
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
as_service() { setpriv --reuid=ghostroll --regid=ghostroll --clear-groups "$@"; }
# What the service asks with: the device, the medium, the name.
request() { echo "/run/ghostroll/release/$(cat "/sys/class/block/$1/dev"):$(cat "/sys/class/block/$1/diskseq"):$2"; }

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
# Everything a service that was taken over could put there, and what was right for the card that was in before.
as_service bash -c 'cd /run/ghostroll/release && ln -s /mnt/other other && ln -s /run/ghostroll/cards/BOX_CARD .hidden && mkdir "a b;reboot" folder && touch folder/file -- "-rf" "\$(reboot)" ..BOX_CARD 1:2:3:.. "1:2:\$(reboot):other" BOX_CARD "${1%:*:*}:1:BOX_CARD"' bash "$(basename "$(request "$card" BOX_CARD)")"
until_so 20 test -z "$(ls -A /run/ghostroll/release)"
sleep 0.3
fact hostile "$(cat /mnt/other/file) $(find /run/ghostroll/release -mindepth 1 ! -name BOX_CARD | wc -l) left, $(findmnt --noheadings --output TARGET /run/ghostroll/cards/BOX_CARD | wc -l) mounted"
as_service sh -c 'head -c 1000000 /dev/zero >/run/ghostroll/release/flood' 2>/dev/null
fact flood "$(($(df --output=size /run/ghostroll/release | tail -1))) kB at most"

# What is no card: left as it was, so that it can be formatted; with its label in the settings it is one, and locked while it is used.
GHOSTROLL_CARD_FILESYSTEMS=ext4 $mount_card mount "$stick" >/tmp/stick
fact stick "$(grep -o 'is left alone, and can be written to as before' /tmp/stick), $(findmnt --noheadings --source "/dev/$stick" | wc -l) mounted, lock $(blockdev --getro "/dev/$stick"), $(mkfs.ext4 -q -F -L STICK "/dev/$stick" && echo formatted)"
echo 'GHOSTROLL_CARD_LABELS=OTHER, "STICK"   # the recorder' >>/etc/ghostroll/ghostroll.env
GHOSTROLL_CARD_FILESYSTEMS=ext4 $mount_card mount "$stick" >/tmp/stick
fact named "$(findmnt --noheadings --output TARGET --source "/dev/$stick"), lock $(blockdev --getro "/dev/$stick")"
sed -i '$d' /etc/ghostroll/ghostroll.env

# Two requests, and the first card cannot be unmounted: the second one waits for nothing.
as_service touch "$(request "$card" BOX_CARD)" "$(request "$stick" STICK)"
until_so 3 sh -c '! findmnt /run/ghostroll/cards/STICK && findmnt /run/ghostroll/cards/BOX_CARD' && until_so 20 systemctl is-failed ghostroll-release.service
fact held "$(find /run/ghostroll/cards -mindepth 1 -maxdepth 1), lock of the other one $(blockdev --getro "/dev/$stick")"
kill $holder
as_service touch "$(request "$card" BOX_CARD)"
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
fact stopped "$(property Result) $(property ExecMainStatus), $(pgrep -u ghostroll | wc -l) processes left, $(find /run/ghostroll -name settings.env | wc -l) settings"

# The command of a person: a path means the folder where that person is, also where the service may not look.
install -d /srv/pictures && cp "$(find $library/originals -name '*.JPG' | head -1)" /srv/pictures/picture.jpg && echo >>/srv/pictures/picture.jpg
chmod 755 /srv/pictures && chmod 644 /srv/pictures/picture.jpg
(cd /srv/pictures && ghostroll ingest . >/tmp/by-hand 2>&1)
fact byhand "$? $(find $library/originals -name picture.jpg | wc -l)"
install -d -m 700 /root/private
fact private "$(cd /root/private && ghostroll ingest . 2>&1 | grep -o '/root/private' | head -1)"
install -m 755 /dev/stdin /usr/local/bin/vcgencmd <<'SH'
#!/bin/sh
case " $(id -Gn) " in *" video "*) echo throttled=0x50005 ;; *) exit 1 ;; esac
SH
echo cpu io pids >/tmp/controllers
mount --bind /tmp/controllers /sys/fs/cgroup/cgroup.controllers
fact doctor "$(cd / && ghostroll doctor | grep -oE '. memory|add cgroup_enable=memory|too little voltage' | tr '\n' ' ')"
umount /sys/fs/cgroup/cgroup.controllers
/opt/ghostroll/bin/ghostroll uninstall >/dev/null
fact uninstalled "$(find /etc /usr/local /run -xdev -path '*ghostroll*' ! -path '*/ghostroll.service.d*' 2>/dev/null | sort | tr '\n' ' ')"
fact kept "$(find $library/originals -name '*.JPG' | wc -l)"
