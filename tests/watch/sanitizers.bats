#!/usr/bin/env bats
# Tools with several threads, for the sanitizers: that for threads (make check-thread) ends a tool with
# status 66 where two threads meet at a place in memory unordered, those for memory and for undefined
# behaviour (make check-memory) with 1 and a report.
bats_require_minimum_version 1.5.0
load ../cli/train

setup() {
    [[ $SAM_BIN = *sanitize-* ]] || skip "not built with SANITIZE"
    PATH=$SAM_BIN:$PATH
    cd "$BATS_TEST_TMPDIR" || exit
    images images 60 20
}

# Minibatches of 48 images are three parts (nn/lanes_network.h), which threads share.
@test "training, with all arithmetics, dumping, and from checkpoints" {
    for kernels in $(train-sam --kernels x 2>&1 | sed -n 's/.*one of \(.*\) wanted/\1/p' | tr -d ,); do
        train --width 4 --batch-size 48 --epochs 1 --threads 3 --optimizer sam --rho 0.1 \
            --kernels "$kernels" \
            --checkpoint "$kernels" --log log --profile --predictions predictions \
            --dump - >"$kernels.dump"
    done
    train --batch-size 48 --epochs 1 --threads 3 --conv direct --optimizer sam --adaptive --mix 13=perturbed,2=0.5*current
    train --epochs 1 --threads 3 --optimizer sam --control random-mask
    dump-grads --checkpoint portable --threads 3 --steps 2 >steps
    dump-grads --checkpoint portable --threads 3 --batches 2 >batches
}

# 700,000 parameters are several chunks of each tensor.
@test "analysis of a file of several chunks, which a second thread may read" {
    train --width 16 --epochs 1 --threads 3 --optimizer sam --rho 0.1 --dump dump
    for tool in classify-ratio bucket-stats flat-threshold overlap class-transitions mean-gradient \
        grad-info grad-cat; do
        "$tool" dump >file
        "$tool" < <(cat dump) >pipe
        cmp file pipe
        head -c -1000 dump >short
        run "$tool" short
        [ "$status" -eq 1 ]
    done
    grad-cat --dtype bf16 --checksum -o half dump
    classify-ratio --map map half
    overlap --all-pairs map
}
