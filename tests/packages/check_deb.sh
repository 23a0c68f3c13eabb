#!/bin/sh
# Make a fresh Debian in a temporary directory, install the packages of `make deb` there, ask the daemon
# for a loss, and remove it again.  Usage: check_deb.sh DIRECTORY SUITE
#
# mmdebstrap makes that Debian and runs this script once more, as its hook, with the place of it.
set -eu

fail() { echo "deb: $1" >&2; exit 1; }

# What a machine with the packages can do.  $1 is its root, $2 the directory of the packages.
use_packages() {
    root=$1
    mkdir "$root/packages"
    cp "$2"/lossd_*.deb "$2"/libloss-dev_*.deb "$root/packages"
    chroot "$root" sh -c 'apt-get install -y -qq --no-install-recommends /packages/*.deb' >/dev/null

    [ "$(chroot "$root" dpkg-query -W -f "\${Conffiles}" lossd | cut -d ' ' -f 2)" = /etc/lossd/lossd.json ] ||
        fail "/etc/lossd/lossd.json is no conffile"
    for file in usr/share/man/man8/lossd.8.gz usr/share/doc/lossd/copyright usr/include/loss/evaluation.h; do
        [ -s "$root/$file" ] || fail "$file is missing"
    done
    for unit in multi-user.target.wants/lossd.service sockets.target.wants/lossd.socket; do
        [ -s "$root/lib/systemd/system/${unit##*/}" ] || fail "${unit##*/} is missing"
        [ -L "$root/etc/systemd/system/$unit" ] || fail "${unit##*/} is not enabled"
    done

    # By the settings of the package, but for the port.
    mkfifo "$root/greeting"
    chroot "$root" lossd --config /etc/lossd/lossd.json --listen-port 0 >"$root/greeting" 2>"$root/log" &
    daemon=$!
    read -r greeting <"$root/greeting"
    reply=$(curl -s "${greeting##* }/v1/evaluate" --json '{"logits": [[40, 0]], "targets": [0], "dtype": "float64"}')
    kill "$daemon"
    wait "$daemon" || fail "the daemon exits with $?: $(cat "$root/log")"
    case $reply in *'"loss":4.248354255291589e-18'*) ;; *) fail "the daemon answers $reply" ;; esac

    chroot "$root" apt-get purge -y -qq lossd libloss-dev >/dev/null
    for place in usr/bin/lossd etc/lossd usr/share/lossd usr/include/loss lib/systemd/system/lossd.service \
        lib/systemd/system/lossd.socket etc/systemd/system/multi-user.target.wants/lossd.service; do
        [ ! -e "$root/$place" ] || fail "/$place stays after the purge"
    done
    echo "deb: installed in a fresh Debian, it answers, and is gone after a purge"
}

if [ "$1" = --hook ]; then
    use_packages "$2" "$3"
else
    # What is made is thrown away.
    mmdebstrap --quiet --variant=apt --format=null \
        --customize-hook="sh tests/packages/check_deb.sh --hook \"\$1\" '$1'" "$2" /dev/null
fi
