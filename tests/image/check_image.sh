#!/bin/sh
# Row 101: start the image `lossd` as it is meant to run and look at it from outside: small, not root, read-only,
# healthy, right, and gone with status 0 on SIGTERM.  Usage: check_image.sh DOCKER
set -eu
docker=$1
bytes_max=20000000
expected='"loss":4.248354255291589e-18'

fail() { echo "image: $1" >&2; exit 1; }

bytes=$($docker image inspect --format '{{.Size}}' lossd)
[ "$bytes" -lt "$bytes_max" ] || fail "has $bytes bytes, but at most $bytes_max were promised"
[ "$($docker image inspect --format '{{.Config.User}}' lossd)" = 65532:65532 ] || fail "runs as root"

container=$($docker run -d --read-only --cap-drop ALL --security-opt no-new-privileges \
    -p 127.0.0.1::8080 lossd)
trap '$docker rm -f "$container" >/dev/null' EXIT
address=$($docker port "$container" 8080/tcp | head -n 1)

# The health check of the image itself, asked every second for half a minute at most.
tries=0
until $docker exec "$container" /usr/bin/lossd healthcheck 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || fail "never became ready"
    sleep 1
done
reply=$(curl -s "http://$address/v1/evaluate" \
    --json '{"logits": [[40, 0]], "targets": [0], "dtype": "float64"}')
case $reply in *"$expected"*) ;; *) fail "answers $reply" ;; esac

# Row 86: of the memory that its control group has, 60 % are the budget.
$docker run --rm -m 64m lossd config | grep -q '"memory_budget_bytes": 40265316' ||
    fail "has another budget than 60 % of 64 MiB"

$docker stop -t 10 "$container" >/dev/null
status=$($docker inspect --format '{{.State.ExitCode}}' "$container")
[ "$status" = 0 ] || fail "exits with $status on SIGTERM"
echo "image: $bytes bytes, not root, read-only, healthy, right, and stops with status 0"
