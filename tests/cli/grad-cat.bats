#!/usr/bin/env bats
# grad-cat. Oracles: records made byte by byte; grad-info; NumPy.
bats_require_minimum_version 1.5.0
load stream

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
}

# Five records of steps 10, 20, ... in epochs 1, 1, 2, 2 and none.
five_records() {
    local i
    for i in 1 2 3 4; do
        record "{\"__metadata__\":{\"step\":\"${i}0\",\"epoch\":\"$(((i + 1) / 2))\"},$(pair a 0 1),$(pair b 8 1)}" \
            "$ONE$TWO$THREE$FOUR"
    done
    record "{\"__metadata__\":{\"step\":\"50\"},$(pair a 0 1),$(pair b 8 1)}" "$ONE$TWO$THREE$FOUR"
}

# The steps of the records that grad-cat with these options leaves of the five.
steps() {
    five_records | grad-cat "$@" | grad-info | mlr --icsv --onidx cut -f step | paste -sd ,
}

@test "grad-cat: text that is not UTF-8 is refused before any input is read" {
    for option in --meta=a=$'\xff' --meta=$'\xff'=a --name=$'\xff'; do
        run grad-cat "$option" </dev/null
        [ "$status" -eq 2 ]
        [[ $output == *"wanted UTF-8"* ]]
    done
}

@test "grad-cat --meta: a key once" {
    run grad-cat --meta a=1 --meta a=2 </dev/null
    [ "$status" -eq 2 ]
    [[ $output == "grad-cat: --meta: 'a=2' and 'a=1', wanted a key once"* ]]
}

@test "records are selected by number, step and epoch" {
    [ "$(steps)" = 10,20,30,40,50 ]
    [ "$(steps --records 1,4-9)" = 10,40,50 ]
    [ "$(steps --steps 20-30,50)" = 20,30,50 ]
    [ "$(steps --epochs 2)" = 30,40 ]
    [ "$(steps --epochs 1-2 --records 2-5 --steps 10,20,40)" = 20,40 ]
    [ "$(steps --records 1 --records 2)" = 20 ]
}

@test "numbers of records go on over the operands" {
    five_records >five
    first_record >one
    [ "$(grad-cat --records 5-6 five one | grad-info | mlr --icsv --onidx cut -f step,tensors | paste -sd ,)" = '50 2,10 1' ]
}

@test "tensors are selected by name, and what is no parameter is left out" {
    record "{\"other\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},$(pair a 8 1),$(pair b 16 1)}" \
        "$ZERO$ZERO$ONE$TWO$THREE$FOUR" >stream
    grad-cat --tensors b stream >got
    record "$(padded "{$(pair b 0 1)}")" "$THREE$FOUR" | cmp - got
    grad-cat -t 'b*' -t a stream | grad-info --by tensor >table
    [ "$(cut -d , -f 3 table | paste -sd ,)" = tensor,a,b ]
}

@test "pairs are put side by side, and metadata are kept" {
    # The layout of the Python package: all current/ before all perturbed/.
    record '{"__metadata__":{"loss":"0.5","step":"3","xxh3":"a82f522ec4510db4"},"current/a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"current/b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"perturbed/a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"perturbed/b":{"dtype":"F32","shape":[],"data_offsets":[12,16]}}' \
        "$ONE$TWO$THREE$FOUR" >sorted
    for input in sorted -; do
        grad-cat "$input" <sorted >got
        tail -c 16 got >data
        printf '%b' "$ONE$THREE$TWO$FOUR" | cmp - data
        [ "$(grad-info got | mlr --icsv --ojson cut -f metadata | jq -r '.[0].metadata')" = '{"loss":"0.5","step":"3"}' ]
    done
}

@test "--dtype converts, exactly where it can be" {
    # 1, 2^-24 + 2^-40 and 70000: in half precision 1, 2^-24 and infinity.
    record "{$(pair x 0 3)}" '\x00\x00\x80\x3f\x80\x00\x80\x33\x00\xb8\x88\x47'"$ONE$ONE$ONE" >stream
    grad-cat --dtype f16 stream >half
    [ "$(tail -c 12 half | hex)" = 003c0100007c003c003c003c ]
    [ "$(grad-cat --dtype f32 half | tail -c 24 | head -c 12 | hex)" = 0000803f000080330000807f ]
    [ "$(grad-cat --dtype bf16 stream | tail -c 12 | hex)" = 803f80338947803f803f803f ]
    grad-cat --dtype f64 stream | grad-cat --dtype f32 | tail -c 24 | cmp - <(tail -c 24 stream)
}

@test "class records pass as they are" {
    record '{"class/x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}' '\x01\x02\x04' >classes
    [ "$(grad-cat --dtype f16 --checksum classes | tail -c 3 | hex)" = 010204 ]
}

@test "--checksum adds the checksum, --meta sets metadata" {
    first_record | grad-cat --checksum --meta step=11 --meta run=a=b >got
    [ "$(grad-info got | mlr --icsv --ojson cut -f metadata | jq -r '.[0].metadata')" = "{\"step\":\"11\",\"run\":\"a=b\",\"epoch\":\"1\",\"xxh3\":\"$SUM\"}" ]
    five_records | grad-cat --checksum | grad-info | mlr --icsv --onidx cut -f checksum | uniq -c >got
    grep -q ' 5 verified' got
}

@test "--output appears when all has been written, or not at all" {
    two_records >two
    grad-cat -o out two
    cmp out <(grad-cat two)
    cp out before
    run bash -c 'head -c -1 two | grad-cat -o out -'
    assert_refused 1 truncated
    cmp out before
    run grad-cat -o missing/out two
    assert_refused 1 'missing/out: cannot be created'
    run grad-cat --records 3 -o none two
    assert_refused 1 'none of 2 records selected'
    files=(*)
    [ "${files[*]}" = 'before out two' ]
    umask 027
    grad-cat -o private two
    [ "$(stat -c %a private)" = 640 ]
}

@test "--output: the longest name that a file can have" {
    local name
    name=$(printf 'n%.0s' {1..255})
    two_records >two
    mkdir folder
    for _ in new existing; do
        grad-cat -o "folder/$name" two
        cmp "folder/$name" <(grad-cat two)
    done
    [ "$(ls -A folder)" = "$name" ]
    run grad-cat -o "n$name" two
    assert_refused 1 "File name too long"
}

@test "--checksum: data wait in the folder TMPDIR" {
    two_records >two
    mkdir waiting
    mkfifo pipe
    TMPDIR=$PWD/waiting grad-cat --checksum pipe >/dev/null &
    local tool=$!
    exec 9>pipe
    head -c -1 two >&9
    for _ in {1..100}; do
        readlink /proc/$tool/fd/* | grep -q "^$PWD/waiting/" && break
        sleep 0.1
    done
    readlink /proc/$tool/fd/* | grep "^$PWD/waiting/"
    tail -c 1 two >&9
    exec 9>&-
    wait "$tool"
    [ -z "$(ls -A waiting)" ]
    TMPDIR=$PWD/nowhere run grad-cat --checksum two
    assert_refused 1 "nowhere: no temporary file"
}

@test "a record in the middle of a thousand" {
    five_records >five
    for _ in {1..200}; do cat five; done >thousand
    [ "$(grad-cat --records 777 thousand | grad-info | mlr --icsv --onidx cut -f step)" = 20 ]
}

# What is damaged is known at the record's end, when most of it has gone out.
@test "a record with a wrong checksum does not come out whole" {
    five_records | grad-cat --checksum >sums
    printf '\0' | dd of=sums bs=1 seek=$(($(stat -c %s sums) - 1)) conv=notrunc status=none
    run bash -c 'grad-cat sums 2>/dev/null | grad-info >table'
    [ "$status" -eq 1 ]
    [[ $output == *"record 5 at byte "*truncated* ]]
    [ "$(wc -l <table)" -eq 5 ]
}

@test "a value that is no class is refused" {
    record '{"class/x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}' '\x00\x04\x05' >wrong
    for tool in grad-cat grad-info; do
        run bash -c "$tool wrong >/dev/null"
        assert_refused 1 "$tool: wrong: record 1 at byte 0: class/x: element 2 is 5, wanted a class, 0 to 4"
    done
}

@test "wrong usage" {
    while IFS='|' read -r options message; do
        # shellcheck disable=SC2086
        run grad-cat $options
        assert_refused 2 "$message"
    done <<'END'
--records 3-1|--records: '3-1'
--steps x|--steps: 'x'
--dtype f8|--dtype: 'f8', wanted f64, f32, f16 or bf16
--meta x|--meta: 'x', wanted KEY=VALUE
--meta =x|--meta: '=x', wanted KEY=VALUE
--meta xxh3=0|--meta: xxh3 is computed: use --checksum
--meta step=last|--meta: step: 'last', wanted a whole number
--name x|--name goes with --npy
--npy|--npy: 0 operands, wanted pairs
--npy a.npy|--npy: 1 operands, wanted pairs
--npy - -|--npy: '-' more than once
--npy --steps 1 a.npy b.npy|nothing to be selected
--by tensor|by
END
}

# npy SHAPE DATA: an array of single precision, byte by byte after NumPy's description of the format.
npy() {
    local header="{'descr': '<f4', 'fortran_order': False, 'shape': $1, }"
    printf '\x93NUMPY\x01\x00'
    printf '%b' "\\x$(printf %02x ${#header})\\x00"
    printf '%s' "$header"
    printf '%b' "$2"
}

@test "--npy makes a record of a pair of arrays" {
    npy '(1, 2)' "$ONE$TWO" >g.npy
    npy '(1, 2)' "$THREE$FOUR" >gp.npy
    grad-cat --npy --name x --meta step=7 --checksum g.npy - g.npy g.npy <gp.npy >got
    grad-info --by tensor got | cut -d , -f 1,3-6 | paste -sd ' ' >rows
    [ "$(cat rows)" = 'step,tensor,parameters,gradient_norm,perturbed_gradient_norm 7,x,2,2.23606797749979,5 7,x,2,2.23606797749979,2.23606797749979' ]
    grad-cat --records 1 got | tail -c 16 | cmp - <(printf '%b' "$ONE$TWO$THREE$FOUR")
    [ "$(grad-cat --npy g.npy gp.npy | grad-info --by tensor | cut -d , -f 3 | tail -n 1)" = gradient ]
}

@test "--npy refuses arrays that do not match, and broken ones" {
    npy '(2,)' "$ONE$TWO" >g.npy
    npy '(2, 1)' "$ONE$TWO" >other.npy
    npy '(2,)' "$ONE" >short.npy
    npy '(2,)' "$ONE$TWO$ONE" >long.npy
    run grad-cat --npy g.npy other.npy
    assert_refused 1 'other.npy: shape (2, 1) of F32, wanted those of g.npy: (2) of F32'
    run bash -c 'grad-cat --npy g.npy short.npy >/dev/null'
    assert_refused 1 'short.npy: truncated: ends at byte'
    run bash -c 'grad-cat --npy g.npy long.npy >/dev/null'
    assert_refused 1 'long.npy: bytes follow the array'
    run grad-cat --npy g.npy "$SAM_TOP/Makefile"
    assert_refused 1 'no .npy file'
    run grad-cat --npy g.npy missing.npy
    assert_refused 1 'missing.npy: cannot be opened'
}

@test "NumPy converts the same, and its arrays are read" {
    [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import numpy' || skip 'NumPy is not installed'
    /usr/bin/python3 "$SAM_TOP/tests/oracle/stream_numpy.py" cat "$SAM_BIN"
}
