#!/usr/bin/env bash
# threads.sh - what a second core gives: two threads, and two runs of one thread side by side, beside
# one run of one thread; a table, and the same as CSV in FILE.
#
#   threads.sh ENGINE FILE
#
# ENGINE is the program of tests/bench/engine.c. Every round runs the three one after the other, each
# round in another order; the median of the rounds' ratios counts, since other work on the machine
# slows whoever is running, and the first of a row may be served otherwise than the last. ENGINE
# tells the speed of its fastest step; so one of two runs goes on from before the other's first step
# until after its last.
set -euo pipefail
shopt -s inherit_errexit

engine=$1 file=$2
rounds=${BENCH_ROUNDS:-9} seconds=${BENCH_SECONDS:-1}
widths=${BENCH_WIDTHS:-8 16 64} batches=${BENCH_BATCHES:-128}
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.bash"

# run THREADS : images per second
run() {
    local threads=$1
    run_engine auto | cut -d, -f1
}

# side_by_side : images per second of two runs together, as twice those of one beside another
side_by_side() {
    "$engine" auto "$width" "$batch" 1 1000000 >/dev/null &
    other=$!
    trap 'kill "$other"' EXIT
    sleep 3
    run 1 | awk '{ print 2 * $1 }'
}

measure() {
    local round turn one two side all
    all=$(for ((round = 0; round < rounds; round++)); do
        for ((turn = round; turn < round + 3; turn++)); do
            case $((turn % 3)) in
            0) one=$(run 1) ;;
            1) two=$(run 2) ;;
            2) side=$(side_by_side) ;;
            esac
        done
        awk -v one="$one" -v two="$two" -v side="$side" 'BEGIN { print one, two / one, side / one }'
    done)
    echo "$width,$batch,$(middle 1 <<<"$all"),$(middle 2 <<<"$all"),$(middle 3 <<<"$all")"
}

mkdir -p "$(dirname "$file")"
{
    echo width,batch,images_per_second,two_threads,two_runs
    for width in $widths; do
        for batch in $batches; do measure; done
    done
} | show_table "$file.new"
mv "$file.new" "$file"
