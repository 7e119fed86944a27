#!/usr/bin/env bats
# What all analysis tools do with wrong usage, damaged streams, places that take no more, and streams
# larger than memory should be. Oracles: the rules of exit; for memory, getrusage().
bats_require_minimum_version 1.5.0
load analysis

readonly TOOLS=(classify-ratio bucket-stats flat-threshold overlap class-transitions)

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
    { first && second; } >two
}

@test "wrong usage is found before any input is read" {
    for tool in "${TOOLS[@]}"; do
        run "$tool" --by layer missing
        assert_refused 2 "$tool: --by: 'layer', wanted record, tensor or kind"
        run "$tool" --no-such-option missing
        assert_refused 2 "no-such-option"
        run "$tool" --tensors
        assert_refused 2 tensors
    done
}

@test "a missing file, a folder, an empty stream, a text, no parameter that matches" {
    for tool in "${TOOLS[@]}"; do
        run "$tool" two missing
        assert_refused 1 "$tool: missing: cannot be opened: No such file"
        run "$tool" .
        assert_refused 1 "$tool: .: record 1 at byte 0: reading at byte 0 failed: Is a directory"
        run "$tool" /dev/null
        assert_refused 1 "$tool: /dev/null: record 1 at byte 0: empty, wanted at least one record"
        run "$tool" "$SAM_TOP/Makefile"
        assert_refused 1 'is this a safetensors file?'
        run "$tool" --tensors 'fc*' two
        assert_refused 1 "two: record 1 at byte 0: no parameter, of 2, matches --tensors 'fc*'"
    done
}

@test "rows of whole records stay when a later one is cut short, from a file and from a pipe" {
    for tool in "${TOOLS[@]}"; do
        "$tool" two >whole
        { cat two; second | head -c -3; } >short
        run --separate-stderr "$tool" short
        assert_refused 1 "$(cat whole)"
        [[ $stderr == "$tool: short: record 3 at byte "*": truncated: ends at byte "* ]]
        run --separate-stderr bash -c "cat short | $tool"
        assert_refused 1 "$(cat whole)"
        [[ $stderr == "$tool: standard input: record 3 at byte "* ]]
    done
}

@test "a record with a wrong checksum has no row" {
    for tool in "${TOOLS[@]}"; do
        { cat two; grad-cat --checksum <(second) | head -c -1; printf '\1'; } >damaged
        run --separate-stderr "$tool" damaged
        assert_refused 1 "$("$tool" two)"
        [[ $stderr == "$tool: damaged: record 3 at byte "*XXH3-64* ]]
    done
}

@test "every cut and every turned bit of a record ends in an answer or a message" {
    [[ $SAM_BIN != *sanitize* ]] || skip "fuzz.bats does it in one process, with a sanitizer 30 times as fast"
    [ -x "$SAM_BIN/../tests/stream_faults" ] || skip "tests/stream_faults is not built (make check builds it)"
    gradients '' x 1 2 >one
    "$SAM_BIN/../tests/stream_faults" one "$SAM_BIN/flat-threshold" --null --by tensor >faults
    run grep BAD faults
    assert_refused 1 ''
    [ "$(grep -c '^cut .* ok$' faults)" -eq 1 ]
}

# Small ones are read whole. Data at an odd place in the file cannot be mapped.
@test "a record has the same rows whole, mapped, read in pieces, and through a pipe, of every dtype" {
    for n in 301 600000; do
        perl -e 'my $n = shift;
            my $json = sprintf q({"current/x":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]},) .
                q("perturbed/x":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}}),
                $n, 4 * $n, $n, 4 * $n, 8 * $n;
            srand 1;
            print pack("Q<", length $json), $json, pack "f<*", map { rand() - 0.4 } 1 .. 2 * $n' $n >f32
        for dtype in f32 f16 bf16 f64; do
            grad-cat --dtype "$dtype" f32 >even
            perl -e 'local $/; $_ = <>; my $n = unpack "Q<";
                print pack("Q<", $n + 1), substr($_, 8, $n), " ", substr($_, 8 + $n)' even >odd
            for tool in "${TOOLS[@]}"; do
                "$tool" < <(cat even) >pipe
                "$tool" even | cmp - pipe
                "$tool" odd | cmp - pipe
            done
        done
    done
}

@test "a full disk is an error" {
    [ -e /dev/full ] || skip "no /dev/full here"
    for tool in "${TOOLS[@]}"; do
        run bash -c "$tool two >/dev/full"
        assert_refused 1 "$tool: "
        assert_refused 1 'No space left on device'
    done
}

@test "a closed stream's number goes to no file that is opened" {
    classify-ratio --map whole two >table
    run bash -c 'classify-ratio --map map two >&-'
    assert_refused 1 "Bad file descriptor"
    [ ! -e map ]
    classify-ratio --map map two 2>&- | diff table -
    cmp whole map
    run bash -c 'classify-ratio <&-'
    assert_refused 1 "reading at byte 0 failed: Bad file descriptor"
    grad-cat two -o copy >&- # which does not need it
    classify-ratio copy | diff table -
}

@test "a file that standard output appends to is not read" {
    cp two same
    for command in 'grad-cat same' 'grad-cat <same' 'classify-ratio --map - two same'; do
        run timeout 10 bash -c "$command >>same"
        assert_refused 1 "also standard output, wanted another file"
        cp two same
    done
}

@test "a reader that goes away ends a tool quietly" {
    for tool in "${TOOLS[@]}"; do
        run --separate-stderr bash -c "set -o pipefail; { sleep 0.5; cat two; } | $tool | true"
        [ "$status" -eq 141 ]
        [ -z "$stderr" ]
    done
}

@test "rows come as soon as their record has been read" {
    for tool in "${TOOLS[@]}"; do
        mkfifo "to-$tool" "from-$tool"
        "$tool" "to-$tool" >"from-$tool" 3>&- &
        exec 6<"from-$tool" 5>"to-$tool"
        cat two >&5
        read -r -t 30 -u 6 && read -r -t 30 -u 6
        exec 5>&- 6<&-
        wait
    done
}

@test "memory does not grow with the number of records" {
    need_numpy
    [[ $SAM_BIN != *sanitize* ]] || skip "a sanitizer's memory is not the tool's"
    for tool in "${TOOLS[@]}"; do
        /usr/bin/python3 "$SAM_TOP/tests/oracle/analysis_memory.py" records 1000 "$tool"
    done
}

@test "memory does not grow with the record in classify-ratio and bucket-stats" {
    need_numpy
    [[ $SAM_BIN != *sanitize* ]] || skip "a sanitizer's memory is not the tool's"
    for tool in classify-ratio bucket-stats; do
        /usr/bin/python3 "$SAM_TOP/tests/oracle/analysis_memory.py" parameters 50000000 "$tool"
    done
}

# The file's pages, of which some are kept, count.
@test "memory does not grow with the record of a file in what holds no sets or classes" {
    need_numpy
    [[ $SAM_BIN != *sanitize* ]] || skip "a sanitizer's memory is not the tool's"
    for tool in classify-ratio bucket-stats flat-threshold; do
        /usr/bin/python3 "$SAM_TOP/tests/oracle/analysis_memory.py" file 50000000 "$tool"
    done
    # What is not wanted is hashed too.
    for tensors in '*' '*layer0.*'; do
        /usr/bin/python3 "$SAM_TOP/tests/oracle/analysis_memory.py" checked 50000000 classify-ratio \
            --tensors="$tensors"
    done
}
