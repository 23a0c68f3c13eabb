#!/bin/sh
# run.sh - run fuzz targets one after the other, and say how often each was executed.
#
#     sh tests/fuzz/run.sh BUILD SECONDS NAME...
#
# A finding is kept as BUILD/findings/NAME-*, and the exit status is 1 then.
build=$1 seconds=$2
shift 2
mkdir -p "$build/findings"
failed=0
for name; do
    corpus=$build/corpus/$name log=$build/fuzz_$name.log
    dictionary=tests/fuzz/$name.dict
    [ -f "$dictionary" ] && dictionary=-dict=$dictionary || dictionary=
    mkdir -p "$corpus"
    cp "tests/fuzz/corpus/$name"/* "$corpus"
    "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=60 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/findings/$name-" \
        $dictionary "$corpus" >"$log" 2>&1
    status=$?
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$name: ${runs:-no} executions, ${edges:-no} edges, $(ls "$corpus" | wc -l) inputs"
    if [ $status != 0 ]; then
        failed=1
        echo "$name: exit status $status; the end of $log:"
        tail -40 "$log"
    fi
done
exit $failed
