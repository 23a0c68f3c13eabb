#!/bin/sh
# Hold config/lossd.service and lossd.socket against systemd's own checks, where those are installed: no
# word that it does not know, and an exposure of 0.5 at most, of 10.  Usage: check_units.sh PROGRAM
set -eu
command -v systemd-analyze >/dev/null || { echo "units: systemd-analyze is not here, nothing is checked"; exit 0; }
program=$(realpath "$1")
directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
sed "s,/usr/local/bin/lossd,$program," config/lossd.service > "$directory/lossd.service"
cp config/lossd.socket "$directory"

faults=$(systemd-analyze verify "$directory/lossd.service" "$directory/lossd.socket" 2>&1) && [ -z "$faults" ] ||
    { echo "units: $faults" >&2; exit 1; }
systemd-analyze security --offline=true --threshold=5 --no-pager "$directory/lossd.service" \
    > "$directory/report" 2>&1 || { cat "$directory/report" >&2; exit 1; }
grep -h Overall "$directory/report" | sed 's/^[^O]*/units: /'
