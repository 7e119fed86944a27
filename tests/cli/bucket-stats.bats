#!/usr/bin/env bats
# Oracles: ratios worked out by hand; awk; NumPy on random streams.
bats_require_minimum_version 1.5.0
load analysis

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
    # r: 1.125 1.5 1.75 2 4 8 16 1000; 1 0.5; -1 -0.5; -2 -20; undefined
    gradients '"step":"7"' x '8 2 4 1 1 1 1 1 1 2 1 -2 1 -1 0' \
        '9 3 7 2 4 8 16 1000 1 1 -1 1 -2 20 1' >stream
}

@test "bucket-stats: edges hit exactly belong to the interval above" {
    run bucket-stats stream
    assert_printed "step,epoch,parameters,class1,1-1.2,1.2-1.5,1.5-2,2-4,4-8,8-16,16-inf
7,,15,8,1,0,2,1,1,1,2"
}

@test "bucket-stats --cumulative, --percent" {
    run bucket-stats --cumulative stream
    assert_printed "step,epoch,parameters,class1,1-1.2,1-1.5,1-2,1-4,1-8,1-16,1-inf
7,,15,8,1,1,3,4,5,6,8"
    run bucket-stats --percent --edges 1,2,inf stream
    assert_printed "step,epoch,parameters,class1,1-2,2-inf
7,,15,53.333333333333336,20,33.333333333333336"
}

@test "bucket-stats --class: the other classes, with edges of their own" {
    run bucket-stats --class 2 stream
    assert_printed "step,epoch,parameters,class2,0-0.25,0.25-0.5,0.5-0.75,0.75-1,1-inf
7,,15,2,0,0,1,0,1"
    run bucket-stats --class 3 stream
    assert_printed "step,epoch,parameters,class3,-inf--16,-16--8,-8--4,-4--2,-2--1.5,-1.5--1.2,-1.2--1
7,,15,2,1,0,0,0,1,0,0"
    run bucket-stats --class 4 stream
    assert_printed "step,epoch,parameters,class4,-1--0.75,-0.75--0.5,-0.5--0.25,-0.25-0
7,,15,2,1,0,1,0"
}

@test "bucket-stats --edges: outside of the class, and a single one" {
    run bucket-stats --edges=-3,0,1.1875,1e3 stream
    assert_printed "step,epoch,parameters,class1,-3-0,0-1.1875,1.1875-1000
7,,15,8,0,1,6"
    for edges in 1 1,1 2,1 1,nan '1,' x ''; do
        run bucket-stats --edges "$edges" stream
        assert_refused 2 "bucket-stats: --edges: '$edges'"
    done
}

@test "bucket-stats: 1.2 in single precision is above the edge 1.2, and the float before below" {
    # 1.2f = 1.2000000476837158, the float before 1.19999992847442627
    gradients '' x '1 1' '1.2 1.19999993' >edge
    run bucket-stats edge
    [ "${lines[1]}" = 1,,2,2,1,1,0,0,0,0,0 ]
}

@test "bucket-stats --null: the model's formula for class 1" {
    run bash -c 'bucket-stats --null --edges 1,2,inf stream | cut -d, -f 4,7-'
    [ "${lines[0]}" = class1,null_scale,null_1-2,null_2-inf ]
    awk -F, 'END { first = $1 * 2 / atan2(0, -1) * atan2(1, $2)
        exit !((s = $3 - first) * s < 1e-18 && (s = $4 - ($1 - first)) * s < 1e-18) }' \
        <<<"${lines[1]}"
}

@test "bucket-stats: wrong options and class records" {
    for class in 0 5 -1 x ''; do
        run bucket-stats --class "$class" stream
        assert_refused 2 "bucket-stats: --class: '$class', wanted a whole number from 1 to 4"
    done
    classes '' x '1 2' >map
    run bucket-stats map
    assert_refused 1 'map: record 1 at byte 0: a class record, wanted gradients'
}

@test "bucket-stats agrees with NumPy on random streams" {
    agrees_with_numpy bucket-stats 60
}
