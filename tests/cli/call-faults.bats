#!/usr/bin/env bats
# Each call that can fail, failing in turn: memory that is not there, reads that end in EIO, threads
# that cannot be had, a disk that is full after so many bytes, a file that shrinks or grows while it
# is read. A tool must give the answer it gives without the fault, or say what is wrong and exit with
# 1, after no more than the beginning of that answer. Oracle: the same tool without a fault.
#
# Of the calls for memory, which are hundreds, every FAULT_STEP-th is tried (11; 1 tries them all).
bats_require_minimum_version 1.5.0
load analysis

readonly TOOLS=(classify-ratio bucket-stats flat-threshold overlap class-transitions mean-gradient
    grad-info grad-cat)

setup() {
    [[ $SAM_BIN != *sanitize* ]] || skip "a sanitizer has its own calls for memory, and ends at once"
    [ -x "$SAM_BIN/../tests/call_faults" ] || skip "tests/call_faults is not built (make check builds it)"
    cd "$BATS_TEST_TMPDIR" || exit
    gcc -shared -fPIC -O -o faults.so "$SAM_TOP/tests/preload/faults.c"
    { first && second && second; } >three # no half of it is whole records
}

# tries KIND STEP file|pipe INPUT TOOL [ARGUMENT...] - none is bad, and some happened.
tries() {
    local kind=$1 step=$2 how=$3 input=$4 tool=$5
    shift 5
    cp "$input" input
    "$SAM_BIN/../tests/call_faults" "$kind" "$PWD/faults.so" "$step" "$how" "$PWD/input" \
        "$SAM_BIN/$tool" "$@" >outcomes
    if grep -A3 BAD outcomes || ! grep -q . outcomes; then
        echo "$tool $*: $kind, $how $input"
        return 1
    fi
}

# Three records of 2.4 MB, which two threads read.
large() {
    perl -e '
        my $count = 300_000;
        my $json = "{" . join(",", map { my $at = $_ eq "current" ? 0 : 4 * $count;
            qq("$_/x":{"dtype":"F32","shape":[$count],"data_offsets":[$at,) . ($at + 4 * $count) .
            "]}" } "current", "perturbed") . "}";
        print pack("Q<", length $json), $json, pack("f<*", map { $_ % 7 - 3 } 1 .. 2 * $count)
            for 1 .. 3;'
}

@test "no memory, once or from then on" {
    for tool in "${TOOLS[@]}"; do
        for kind in memory memory-on; do
            tries $kind "${FAULT_STEP:-11}" file three "$tool"
            tries $kind "${FAULT_STEP:-11}" pipe three "$tool"
        done
    done
}

@test "reads that fail" {
    large >large
    for tool in "${TOOLS[@]}"; do
        tries read 1 file three "$tool"
        tries read 1 pipe three "$tool"
        tries read 1 file large "$tool"
    done
}

@test "a thread that cannot be had is done without" {
    large >large
    for tool in classify-ratio bucket-stats flat-threshold overlap class-transitions; do
        tries thread 1 file large "$tool"
        grep -qx 'thread 1 ok' outcomes
    done
}

@test "a file that shrinks or grows while it is read" {
    large >large
    for tool in "${TOOLS[@]}"; do
        for kind in shrink grow; do
            tries $kind 1 file three "$tool"
            tries $kind 1 file large "$tool"
        done
    done
}

@test "a disk that is full after any number of bytes" {
    for tool in "${TOOLS[@]}"; do
        tries disk 1 file three "$tool"
    done
}
