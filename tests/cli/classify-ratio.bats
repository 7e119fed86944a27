#!/usr/bin/env bats
# Oracles: classes worked out by hand (analysis.bash); NumPy on random streams.
bats_require_minimum_version 1.5.0
load analysis

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
    { first && second; } >two
}

@test "classify-ratio: the classes of two records" {
    run classify-ratio two
    assert_printed "step,epoch,parameters,class1,class2,class3,class4,undefined
10,1,8,2,2,1,1,2
20,2,8,4,2,1,0,1"
}

@test "classify-ratio: a pipe, a dash, and several files are one stream" {
    first >one
    second >other
    classify-ratio two >wanted
    diff wanted <(classify-ratio <two)
    diff wanted <({ first; second; } | classify-ratio -)
    diff wanted <(classify-ratio one other)
    diff wanted <(classify-ratio one - <other)
}

@test "classify-ratio: records without metadata are counted over all operands" {
    gradients '' x 1 2 >one
    run classify-ratio one one
    assert_printed "step,epoch,parameters,class1,class2,class3,class4,undefined
1,,1,1,0,0,0,0
2,,1,1,0,0,0,0"
}

@test "classify-ratio --by tensor, --by kind, --tensors" {
    run classify-ratio --by tensor two
    assert_printed "step,epoch,tensor,parameters,class1,class2,class3,class4,undefined
10,1,conv1.weight,5,2,1,1,1,0
10,1,bn1.weight,3,0,1,0,0,2
20,2,conv1.weight,5,3,2,0,0,0
20,2,bn1.weight,3,1,0,1,0,1"
    run classify-ratio --by=kind --tensors 'bn*' two
    assert_printed "step,epoch,kind,parameters,class1,class2,class3,class4,undefined
10,1,norm-weight,3,0,1,0,0,2
20,2,norm-weight,3,1,0,1,0,1"
    run classify-ratio -t 'b*' -t 'nothing' -t '*conv*' two
    [ "${lines[1]}" = 10,1,8,2,2,1,1,2 ]
}

@test "classify-ratio --percent" {
    run classify-ratio --percent two
    [ "${lines[1]}" = 10,1,8,25,25,12.5,12.5,25 ]
}

# With classes 2 and 3 alone, 2 and 1 of them, the likelihood 2 log(atan(1/s)) + log(pi/2 - atan(2/s))
# is largest at s = 1.414 = sqrt(2) by a table of its values; the counts it predicts add up to 3.
@test "classify-ratio --null" {
    gradients '' x '1 1 1' '0.5 0.5 -2' >three
    run bash -c 'classify-ratio --null three | cut -d, -f 9-'
    [ "${lines[0]}" = null_scale,null_class1,null_class2,null_class3,null_class4 ]
    scale=$(awk 'BEGIN {
        for (s = 0.5; s < 5; s += 0.0001) {
            l = 2 * log(atan2(1, s)) + log(atan2(0, -1) / 2 - atan2(2, s))
            if (best == "" || l > best) { best = l; at = s }
        }
        print at }')
    awk -F, -v scale="$scale" 'END { exit !((s = $1 - scale) * s < 1e-6) }' <<<"${lines[1]}"
    awk -F, 'END { exit !((s = $2 + $3 + $4 + $5 - 3) * s < 1e-20 && $2 == 1.5) }' <<<"${lines[1]}"
}

@test "classify-ratio --eps: single precision, strict comparisons" {
    gradients '' x '1 1 1 1 1 1 0 -5e-9 1' '2 0.5 -2 -0.5 1 -1 1 2e-9 0' >nine
    run classify-ratio --eps 0 nine
    [ "${lines[1]}" = 1,,9,2,1,1,2,3 ]
    # 1e-8 does not change 1 in single precision, gives 0 a ratio, and turns -5e-9 to 5e-9.
    run classify-ratio --eps 1e-8 nine
    [ "${lines[1]}" = 1,,9,2,2,1,1,3 ]
    # Classes are written by that rule too.
    run bash -c 'classify-ratio --eps 1e-8 --map - nine | classify-ratio'
    [ "${lines[1]}" = 1,,9,2,2,1,1,3 ]
}

@test "classify-ratio --map: class records, by hand to the byte" {
    classify-ratio --map map two >table
    diff table <(classify-ratio two)
    diff table <(classify-ratio map)
    classify-ratio --map - two | cmp - map
    classify-ratio --map /dev/stdout two | cmp - map
    [ "$(tail -c 8 map | od -An -tu1 | tr -s ' ')" = " 2 1 1 1 2 3 0 1" ]
    # The record that is made by hand has the same header but for the spaces behind it.
    classes '"step":"20","epoch":"2"' conv1.weight '2 1 1 1 2' bn1.weight '3 0 1' >wanted
    header() { tail -c "+$1" "$2" | head -c 300 | grep -ao '{.*}}'; }
    [ "$(header 9 <(classify-ratio --map - <(second)))" = "$(header 9 wanted)" ]
}

@test "classify-ratio --map of chosen tensors, and with a checksum of its own" {
    run bash -c "classify-ratio --tensors 'bn*' --map - two | classify-ratio --by tensor"
    assert_printed "step,epoch,tensor,parameters,class1,class2,class3,class4,undefined
10,1,bn1.weight,3,0,1,0,0,2
20,2,bn1.weight,3,1,0,1,0,1"
    grad-cat --checksum two | classify-ratio --map map >table
    diff table <(classify-ratio two)
    diff table <(classify-ratio map)
    grad-cat --checksum map | cmp - map
    printf '\0' | dd of=map bs=1 seek=$(($(stat -c %s map) - 1)) conv=notrunc status=none
    run classify-ratio map
    [ "$status" -eq 1 ]
    [[ $output == *'damaged'* ]]
    classify-ratio --map map two >table
    run grep -a xxh3 map
    [ "$status" -eq 1 ]
}

@test "classify-ratio: class records with a value that is no class, and with --eps" {
    classes '' x '0 4' y '1 5' >wrong
    run classify-ratio wrong
    assert_refused 1 'classify-ratio: wrong: record 1 at byte 0: class/y: element 1 is 5, wanted a class, 0 to 4'
    classes '' x '0 4' >right
    run classify-ratio --eps 1e-8 right
    assert_refused 1 'right: record 1 at byte 0: a class record, wanted gradients'
}

@test "classify-ratio: wrong options" {
    for eps in -1 2 nan x ''; do
        run classify-ratio --eps "$eps" two
        assert_refused 2 "classify-ratio: --eps: '$eps', wanted a number from 0 to 1"
    done
    run classify-ratio --map nowhere/map two
    assert_refused 1 'classify-ratio: nowhere/map: cannot be created'
}

@test "classify-ratio: a map may take its input's name, and appears only when all was well" {
    first >one
    cp one same
    classify-ratio --map same same >table
    diff table <(classify-ratio one)
    diff table <(classify-ratio same)
    printf before >map
    head -c -1 two >cut
    for input in nowhere cut; do
        run classify-ratio --map map "$input"
        [ "$status" -eq 1 ]
        [ "$(cat map)" = before ]
    done
    [ "$(echo map*)" = map ]
}

@test "classify-ratio: a map does not take the file from under the table; links and modes stay" {
    run bash -c 'classify-ratio --map out two >out'
    assert_refused 2 ''
    [[ $(bash -c 'classify-ratio --map out two 2>&1 >out || true') == *"out: where standard output goes"* ]]
    [[ $(bash -c 'classify-ratio --map /dev/stdout two 2>&1 >out || true') == *"where standard output goes"* ]]
    ln -s nowhere dangling
    run classify-ratio --map dangling two
    assert_refused 1 "dangling: a symbolic link that leads nowhere: No such file or directory"
    touch map
    chmod 640 map
    ln -s map link
    classify-ratio --map link two >table
    [ -L link ]
    [ "$(stat -c %a map)" = 640 ]
    classify-ratio map | diff table -
}

@test "classify-ratio - -: standard input is read once, from a file as from a pipe" {
    classify-ratio - <two >table
    run bash -c 'classify-ratio - - <two'
    assert_refused 1 "standard input: record 1 at byte 0: empty"
    # Whoever comes next finds what was left.
    [ "$(bash -c '{ classify-ratio >/dev/null; wc -c; } <two')" -eq 0 ]
    run bash -c 'classify-ratio - -  < <(cat two)'
    assert_refused 1 "standard input: record 1 at byte 0: empty"
}

@test "classify-ratio: a map that cannot be written out" {
    [ -e /dev/full ] || skip "no /dev/full here"
    run classify-ratio --map /dev/full two
    assert_refused 1 'No space left on device'
    run bash -c 'classify-ratio --map - two >/dev/full'
    assert_refused 1 'No space left on device'
}

@test "classify-ratio agrees with NumPy on random streams" {
    agrees_with_numpy classify-ratio 60
}
