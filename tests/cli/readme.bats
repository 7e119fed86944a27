#!/usr/bin/env bats
# What README.md shows works as it stands there.

bats_require_minimum_version 1.5.0

# The code blocks of a language ($1) in the section whose heading begins with $2, up to the next
# heading.
blocks() {
    awk -v language="$1" -v heading="$2" '
        /^```/ { inside = inside ? 0 : ($0 == "```" language && section); next }
        /^#/ && !inside { section = index($0, heading) == 1 }
        inside' "$SAM_TOP/README.md"
}

@test "the commands of the tour run, one after the other" {
    blocks sh "## A tour of the tools" > "$BATS_TEST_TMPDIR/tour.sh"
    [ "$(grep -c . "$BATS_TEST_TMPDIR/tour.sh")" -ge 10 ]
    cd "$BATS_TEST_TMPDIR"
    PATH=$SAM_BIN:$PATH run --separate-stderr bash -euo pipefail tour.sh
    [ "$status" -eq 0 ]
    [ -s run.safetensors ] && [ -s steps.st ]
    [[ ${lines[0]} == step,epoch,parameters,class1* ]]
}

@test "the function for PyTorch is the one that is tested with PyTorch" {
    blocks python "### From PyTorch" | diff - <(cat "$SAM_TOP/tests/oracle/torch_dump.py"
        echo 'write_record(sys.stdout.buffer, current, perturbed, step=step, epoch=epoch)')
}

@test "the update rules that it shows are accepted" {
    blocks sh "### Change the update rule" | sed 's/ *#.*//' > "$BATS_TEST_TMPDIR/rules"
    [ "$(wc -l < "$BATS_TEST_TMPDIR/rules")" -ge 4 ]
    cd "$BATS_TEST_TMPDIR"
    while read -r tool options; do
        # shellcheck disable=SC2086 # the options are words
        "$SAM_BIN/$tool" $options --width 2 --train-size 40 --val-fraction 0.001 --epochs 1 \
            --batch-size 20 --test-every 0 2>> errors | tail -n +2 | grep -q '^1,2,'
    done < rules
}
