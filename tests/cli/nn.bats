#!/usr/bin/env bats
# Oracle: PyTorch, through tests/oracle/nn_torch.py and the program nn_probe beside it. Where its
# modules are missing the tests are skipped; `make setup-torch` installs them.

PYTHON=/usr/bin/python3
PROBE=${SAM_BIN%/*}/tests/nn_probe

setup() {
    "$PYTHON" -c 'import numpy, torch' 2>/dev/null || skip "python3-torch is not installed"
    # Without these PyTorch gives its memory back after every step, and takes twice the time.
    export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000 MALLOC_TOP_PAD_=268435456
}

@test "names and shapes are those of PyTorch's state_dict, n is 11,220,132" {
    run "$PYTHON" "$SAM_TOP/tests/oracle/nn_torch.py" "$PROBE" names
    [ "$status" -eq 0 ]
    [[ "$output" == *"resnet18 width 64: 62 parameter tensors, 40 buffers, 11220132 parameters: the same"* ]]
}

@test "every engine's loss, g, gp, statistics, evaluation are PyTorch's" {
    run "$PYTHON" "$SAM_TOP/tests/oracle/nn_torch.py" "$PROBE" compare
    echo "$output"
    [ "$status" -eq 0 ]
}
