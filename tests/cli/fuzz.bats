#!/usr/bin/env bats
# The fuzzing harnesses without a fuzzer, on their seeds and on the inputs of former findings: they
# check themselves what must hold (tests/fuzz/fuzz_*.c), and end in a signal where it does not.

setup() {
    cd "$SAM_TOP/tests/fuzz" || exit
    shopt -s nullglob
    harnesses=("$SAM_BIN"/../tests/fuzz-*)
    [ "${#harnesses[@]}" -gt 0 ] || { echo "no harness is built: make check-cli does"; false; }
}

@test "every harness holds on its seeds and regressions" {
    for program in "${harnesses[@]}"; do
        harness=${program##*/fuzz-}
        ./seeds "$harness" "$BATS_TEST_TMPDIR/$harness"
        run "$program" "$BATS_TEST_TMPDIR/$harness"/* regressions/"$harness"/*
        [ "$status" -eq 0 ] || { echo "$harness: $output"; false; }
        [[ $output == *' inputs' && $output != '0 inputs' ]]
    done
}

# All seeds of the readers; of the tools two: pairs of several types and sizes, with empty ones, from
# a pipe, and classes, from a file.
@test "every cut and every turned bit of small inputs ends in an answer or a message" {
    for program in "${harnesses[@]}"; do
        harness=${program##*/fuzz-}
        folder=$BATS_TEST_TMPDIR/$harness
        ./seeds "$harness" "$folder"
        case $harness in
        header | weights | npy | csv) inputs=("$folder"/*) ;;
        stream) inputs=("$folder"/*-ff) ;;
        *) inputs=("$folder"/sorted-82 "$folder"/classes-00) ;;
        esac
        run "$program" --faults "${inputs[@]}"
        [ "$status" -eq 0 ] || { echo "$harness: $output"; false; }
        # Each byte has a cut and eight bits, and each file is given as it is.
        bytes=$(cat "${inputs[@]}" | wc -c)
        [[ $output == *"$((9 * bytes + ${#inputs[@]})) inputs" ]]
    done
}
