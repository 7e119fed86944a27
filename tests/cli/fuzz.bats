#!/usr/bin/env bats
# The fuzzing harnesses without a fuzzer, on their seeds and on the inputs of former findings: they
# check themselves what must hold (tests/fuzz/fuzz_*.c), and end in a signal where it does not.

setup() {
    cd "$SAM_TOP/tests/fuzz" || exit
    programs=$SAM_BIN/../tests
}

@test "every harness holds on its seeds and regressions" {
    for program in "$programs"/fuzz-*; do
        [ -x "$program" ] || continue
        harness=${program##*/fuzz-}
        ./seeds "$harness" "$BATS_TEST_TMPDIR/$harness"
        shopt -s nullglob
        run "$program" "$BATS_TEST_TMPDIR/$harness"/* regressions/"$harness"/*
        [ "$status" -eq 0 ] || { echo "$harness: $output"; false; }
        [[ $output == *' inputs' && $output != '0 inputs' ]]
    done
}
