#!/bin/sh
# `make install` into an empty directory, an outside program built with what pkg-config says of it, and
# `make uninstall`, after which nothing is left.  Usage: CC=cc check_install.sh DIRECTORY MAKE
set -eu
directory=$1/installed
root=$PWD/$directory
prefix=/opt/lossd # not a default: a place that somebody forgot to pass on is seen
make=$2

fail() { echo "install: $1" >&2; exit 1; }

rm -rf "$root"
$make DESTDIR="$root" PREFIX=$prefix install >/dev/null

export PKG_CONFIG_PATH="$root$prefix/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
cp tests/unit/example_libloss.c "$root/outside.c"
# Word splitting is what pkg-config's output is for.
# shellcheck disable=SC2046
(cd "$root" && $CC -std=c11 $(pkg-config --cflags libloss) outside.c $(pkg-config --libs libloss) \
    -o outside) || fail "the outside program does not build"
"$root/outside" | grep -q 'loss 0.000189631437312401' || fail "the outside program prints $("$root/outside")"
rm "$root/outside" "$root/outside.c"
others=$(nm -g --defined-only "$root$prefix/lib/libloss.a" | awk 'NF == 3 && $3 !~ /^loss_/ { print $3 }')
[ -z "$others" ] || fail "libloss takes these names from programs: $others"
version=$("$root$prefix/bin/lossd" --version)
case $version in "lossd $(pkg-config --modversion libloss) "*) ;; *) fail "$version, but libloss.pc says otherwise" ;; esac

# The settings file works as it is, and where the unit looks for it.
"$root$prefix/bin/lossd" config --config "$root$prefix/etc/lossd/lossd.json" >/dev/null || fail "bad settings"
unit=$root$prefix/lib/systemd/system/lossd.service
grep -q "^ExecStart=$prefix/bin/lossd" "$unit" || fail "the unit starts another program"
grep -q "LOSSD_CONFIG=$prefix/etc/lossd/lossd.json" "$unit" || fail "the unit reads other settings"
page=$root$prefix/share/man/man8/lossd.8
for file in etc/lossd/lossd.json share/lossd/lossd.json; do
    [ -e "$root$prefix/$file" ] && grep -q "^\.It Pa $prefix/$file\$" "$page" ||
        fail "the manual page does not name $prefix/$file"
done

echo '{"listen_port": 1}' > "$root$prefix/etc/lossd/lossd.json"
$make DESTDIR="$root" PREFIX=$prefix install >/dev/null
grep -q '"listen_port": 1}' "$root$prefix/etc/lossd/lossd.json" || fail "changed settings were overwritten"
cp config/lossd.json "$root$prefix/etc/lossd/lossd.json"
$make DESTDIR="$root" PREFIX=$prefix uninstall >/dev/null
left=$(find "$root" ! -type d)
[ -z "$left" ] || fail "uninstall leaves $left"
echo "install: an outside program builds and runs, settings are kept, and uninstalling leaves nothing"
