#!/usr/bin/env bats
# Oracles: sets worked out by hand; NumPy on random streams.
bats_require_minimum_version 1.5.0
load analysis

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
    { # members of class 1: {0 1 2 3}, {0 1 4}, {1 2 3 4}; of 8
        classes '"step":"10","epoch":"1"' a '1 1 1 1' b '2 2 3 0'
        classes '"step":"20","epoch":"1"' a '1 1 4 4' b '1 2 0 0'
        classes '"step":"30","epoch":"2"' a '2 1 1 1' b '1 4 4 4'
    } >three
}

readonly columns=reference_size,class_size,overlap,overlap_percent,chance,lift,jaccard,kappa

# |A| = 4, |B| = 3, both 2, n = 8: chance 1.5; agreement 5/8, by chance 1/2, kappa 1/4.
# |A| = 4, |B| = 4, both 3: chance 2, union 5; agreement 6/8, kappa 1/2.
@test "overlap with the first record" {
    run overlap three
    assert_printed "step,epoch,parameters,reference_step,$columns
10,1,8,10,4,4,4,100,2,2,1,1
20,1,8,10,4,3,2,50,1.5,1.3333333333333333,0.4,0.25
30,2,8,10,4,4,3,75,2,1.5,0.6,0.5"
}

@test "overlap --reference: the first record of that step; earlier ones have no row" {
    run overlap --reference 20 three
    assert_printed "step,epoch,parameters,reference_step,$columns
20,1,8,20,3,3,3,100,1.125,2.6666666666666665,1,1
30,2,8,20,3,4,2,66.66666666666667,1.5,1.3333333333333333,0.4,0.25"
    run overlap --reference 25 three
    assert_refused 1 'overlap: --reference 25: no record of this step among 3'
}

# Surviving {0 1}, then {1}; chance 4 * 3/8, then * 4/8.
@test "overlap --running" {
    run overlap --running three
    assert_printed "step,epoch,parameters,reference_step,reference_size,class_size,surviving,surviving_percent,chance
10,1,8,10,4,4,4,100,4
20,1,8,10,4,3,2,50,1.5
30,2,8,10,4,4,1,25,0.75"
    run overlap --running --reference 20 three
    [ "${lines[2]}" = 30,2,8,20,3,4,2,66.66666666666667,1.5 ]
}

@test "overlap --lag" {
    run overlap --lag 1 three
    assert_printed "step,epoch,parameters,reference_step,$columns
20,1,8,10,4,3,2,50,1.5,1.3333333333333333,0.4,0.25
30,2,8,20,3,4,2,66.66666666666667,1.5,1.3333333333333333,0.4,0.25"
    run bash -c 'cat three three | overlap --lag 3 | cut -d , -f 1,4,7'
    assert_printed "step,reference_step,overlap
10,10,4
20,20,3
30,30,4"
}

@test "overlap --all-pairs: a full, symmetric matrix" {
    run bash -c 'overlap --all-pairs three | cut -d , -f -6'
    assert_printed "step,other_step,parameters,reference_size,class_size,overlap
10,10,8,4,4,4
20,10,8,4,3,2
10,20,8,3,4,2
20,20,8,3,3,3
30,10,8,4,4,3
10,30,8,4,4,3
30,20,8,3,4,2
20,30,8,4,3,2
30,30,8,4,4,4"
}

# a: |A| 4, |B| 2 of 4: 2; b: 0 and 1: 0. Of the last record: a 4 * 3/4.
@test "overlap --null: chance within each tensor; --by tensor, --percent, --class" {
    run bash -c 'overlap --null three | cut -d , -f 13-'
    assert_printed "tensor_chance,tensor_lift
4,1
2,1
3,1"
    run bash -c 'overlap --null --running three | cut -d , -f 10-'
    assert_printed "tensor_chance,tensor_lift
4,1
2,1
1.5,0.6666666666666666"
    run bash -c 'overlap --percent --by tensor three | cut -d , -f 1,3-9 | sed -n 4,5p'
    assert_printed "20,a,4,10,100,50,50,50
20,b,4,10,0,25,0,nan"
    run bash -c 'overlap --class 2 three | cut -d , -f 5-7'
    assert_printed "reference_size,class_size,overlap
2,2,2
2,1,1
2,1,0"
}

@test "overlap: gradients and their class records give the same" {
    { first && second; } >two
    classify-ratio --map map two >/dev/null
    overlap --by tensor two >gradients
    overlap --by tensor map | diff gradients -
    { first && classify-ratio --map - <(second); } >mixed
    overlap two >gradients
    overlap mixed | diff gradients -
}

@test "overlap: parameters in another order are the same; others are refused" {
    { cat three; classes '' b '2 2 3 0' a '1 1 1 1'; } >reordered
    run bash -c 'overlap --by tensor reordered | tail -n 2 | cut -d , -f -7'
    assert_printed "4,,a,4,10,4,4
4,,b,4,10,0,0"
    { cat three; classes '' a '1 1 1 1'; } >fewer
    run overlap fewer
    assert_refused 1 'fewer: record 4 at byte '
    assert_refused 1 '1 parameter tensors, wanted the 2 of the first record'
    [[ ${lines[3]} == 30,2,8,* ]]
    { cat three; classes '' a '1 1 1 1' c '1 1 1 1'; } >other
    run overlap other
    assert_refused 1 "a parameter 'c', wanted those of the first record"
    { cat three; classes '' a '1 1 1 1' b '1 1'; } >shorter
    run overlap shorter
    assert_refused 1 "parameter 'b' has shape (2), wanted (4) as in the first record"
    # What --tensors leaves out may differ.
    run overlap --tensors a other
    [ "$status" -eq 0 ]
}

@test "overlap: a parameter's kind is that of the first record, whatever neighbours it has later" {
    gradients '"step":"1"' a.weight '1 2' '1 3' a.bias '1 -1' '2 -2' >both # a norm, by its weight
    gradients '"step":"2"' a.bias '1 -1' '2 2' >alone
    run overlap --by kind --tensors a.bias both alone
    assert_printed "step,epoch,kind,parameters,reference_step,reference_size,class_size,overlap,overlap_percent,chance,lift,jaccard,kappa
1,,norm-bias,2,1,2,2,2,100,2,1,1,nan
2,,norm-bias,2,1,2,1,1,50,1,1,0.5,0"
}

@test "overlap: wrong options" {
    run overlap --running --all-pairs three
    assert_refused 2 'overlap: --running, --lag and --all-pairs exclude each other'
    run overlap --lag 2 --reference 10 three
    assert_refused 2 'overlap: --reference goes with --running or alone'
    for lag in 0 -1 x ''; do
        run overlap --lag "$lag" three
        assert_refused 2 "overlap: --lag: '$lag', wanted a whole number"
    done
    run overlap --reference -3 three
    assert_refused 2 "overlap: --reference: '-3'"
}

@test "overlap agrees with NumPy on random streams" {
    agrees_with_numpy overlap 100
}
