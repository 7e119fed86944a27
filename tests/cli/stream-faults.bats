#!/usr/bin/env bats
# Streams that are damaged, and places that do not take what is written: each ends in a right answer
# or in a message and status 1. Oracles: the format; the checksum, which guards the data of a record.
bats_require_minimum_version 1.5.0
load stream

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
}

# Every cut and every turned bit of a record of 8 bytes of data with a checksum, given to a tool.
try_faults() {
    record "{\"__metadata__\":{\"step\":\"7\",\"xxh3\":\"$SUM_ONE_TWO\"},$(pair x 0 1)}" "$ONE$TWO" >one
    local size
    size=$(wc -c <one)
    "$SAM_BIN/../tests/stream_faults" one "$@" >faults
    [ "$(wc -l <faults)" -eq $((9 * size + 1)) ]
    run grep BAD faults
    assert_refused 1 ''
    # No byte may be missing, and no bit of the data be another.
    [ "$(grep -c '^cut .* ok$' faults)" -eq 1 ]
    grep -qx "cut $size ok" faults
    run awk -v data=$((8 * (size - 8))) '$1 == "bit" && $2 >= data && $3 != "refused"' faults
    [ -z "$output" ]
}

@test "grad-info: every cut and every bit of a record" {
    try_faults "$SAM_BIN/grad-info"
}

@test "grad-cat: every cut and every bit of a record" {
    try_faults "$SAM_BIN/grad-cat" --dtype bf16
}

@test "rows and records before a fault stay" {
    two_records >two
    head -c -1 two >short
    run --separate-stderr grad-info short
    assert_refused 1 step
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[1]} == 10,1,2,* ]]
    [[ $stderr == "grad-info: short: record 2 at byte "*": truncated: ends at byte "* ]]
    run bash -c 'cat short | grad-cat >out'
    assert_refused 1 'grad-cat: standard input: record 2 at byte '
    first_record | grad-cat | cmp -n "$(first_record | grad-cat | wc -c)" - out
}

@test "a record whose checksum is wrong has no row" {
    { two_records | head -c -1; printf '\x41'; } >damaged
    run --separate-stderr grad-info damaged
    assert_refused 1 step
    [ "${#lines[@]}" -eq 2 ]
    [[ $stderr == *"XXH3-64 of the data is "*", wanted $SUM by the metadata" ]]
}

@test "what is no stream" {
    run grad-info /dev/null
    assert_refused 1 '/dev/null: record 1 at byte 0: empty, wanted at least one record'
    run grad-info "$SAM_TOP/Makefile"
    assert_refused 1 'is this a safetensors file?'
    run grad-info .
    assert_refused 1 '.: record 1 at byte 0: reading at byte 0 failed: Is a directory'
    run grad-info missing
    assert_refused 1 'missing: cannot be opened: No such file or directory'
    run bash -c 'grad-info <&-'
    assert_refused 1 'Bad file descriptor'
}

@test "an endless stream of zeros is refused, not read" {
    run timeout 10 grad-info /dev/zero
    assert_refused 1 'a header of 0 bytes'
}

@test "a header that promises more than there is memory" {
    [[ $SAM_BIN != *sanitize* ]] || skip "a sanitizer maps terabytes, which ulimit -v forbids"
    (
        ulimit -v 200000
        two_records | grad-info >/dev/null
        record '{"current/x":{"dtype":"F32","shape":[250000000],"data_offsets":[0,1000000000]},"perturbed/x":{"dtype":"F32","shape":[250000000],"data_offsets":[1000000000,2000000000]}}' '' |
            { run grad-info && assert_refused 1 'out of memory'; }
    )
}

@test "a full disk" {
    two_records >two
    for tool in grad-info grad-cat; do
        run bash -c "$tool two >/dev/full"
        assert_refused 1 'No space left on device'
        [[ $output == "$tool: "* ]]
    done
    run grad-cat -o /dev/full two
    assert_refused 1 '/dev/full: write failed: No space left on device'
}

@test "a reader that goes away ends a tool without a word" {
    two_records >two
    for _ in {1..400}; do cat two; done >many
    for tool in grad-info grad-cat; do
        run --separate-stderr bash -c "set -o pipefail; $tool many | head -c 100 >/dev/null"
        [ "$status" -eq 141 ]
        [ -z "$stderr" ]
    done
}

# A hole of so many bytes, cut in half while the tool is in the middle of it.
shrink() {
    local size=$1 header status=0
    # Padded, so that the data can be mapped.
    record "$(printf '%-256s' "{\"current/x\":{\"dtype\":\"F32\",\"shape\":[$((size / 8))],\"data_offsets\":[0,$((size / 2))]},\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[$((size / 8))],\"data_offsets\":[$((size / 2)),$size]}}")" '' >big
    header=$(wc -c <big)
    truncate -s $((header + size)) big || skip 'the file system has no files of this size'
    grad-info big >out 2>err &
    sleep 0.3
    truncate -s $((header + size / 2)) big
    wait $! || status=$?
    [ "$status" -eq 1 ]
    grep -q "big: record 1 at byte 0: truncated: ends at byte $((header + size / 2)) in the data" err
}

# The larger one is read, the other one mapped.
@test "a file that shrinks while it is read" {
    shrink 1000000000000
    shrink 16000000000
}
