#!/usr/bin/env bats
# class-transitions. Oracles: a table worked out by hand; NumPy on random streams.
bats_require_minimum_version 1.5.0
load analysis

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
}

# 1 2 1 4 3 2 0 0 becomes 2 1 1 1 2 3 0 1: 0 to 0 and 1, 1 to 1 and 2, 2 to 1 and 3, 3 to 2, 4 to 1.
# Unchanged 2; before 2 2 2 1 1, after 1 4 2 1 0, chance (2 + 8 + 4 + 1 + 0)/8 = 15/8.
@test "class-transitions: by hand, from the second record on" {
    { first && second; } >two
    run class-transitions --null two
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[0]} == step,epoch,parameters,from_step,from0_to0,from0_to1,*,from4_to4,unchanged,kappa,unchanged_chance ]]
    kappa=$(awk 'BEGIN { printf "%.15g", (2 - 15 / 8) / (8 - 15 / 8) }')
    [[ ${lines[1]} == 20,2,8,10,1,1,0,0,0,0,1,1,0,0,0,1,0,1,0,0,0,1,0,0,0,1,0,0,0,2,$kappa*,1.875 ]]
}

@test "class-transitions: class records, --by, --percent" {
    { first && second; } >two
    classify-ratio --map map two >/dev/null
    class-transitions --by tensor two >gradients
    class-transitions --by tensor map | diff gradients -
    run bash -c 'class-transitions --percent --by tensor map | cut -d , -f 1,3,4,31'
    assert_printed "step,tensor,parameters,unchanged
20,conv1.weight,5,20
20,bn1.weight,3,33.333333333333336"
}

@test "class-transitions: one record has only the header; other parameters are refused" {
    first >one
    run class-transitions one
    [ "${#lines[@]}" -eq 1 ]
    { first && gradients '' x 1 2; } >other
    run class-transitions other
    assert_refused 1 "a parameter 'x', wanted those of the first record"
}

@test "class-transitions agrees with NumPy on random streams" {
    agrees_with_numpy class-transitions 60
}
