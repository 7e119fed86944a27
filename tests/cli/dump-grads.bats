#!/usr/bin/env bats
# dump-grads. Oracles: what train-sam itself dumps, identities between records, and PyTorch through
# train-sam's own test.

setup() {
    PATH=$SAM_BIN:$PATH
    cd "$BATS_TEST_TMPDIR" || exit
    # shellcheck source=tests/cli/train.bash
    source "$SAM_TOP/tests/cli/train.bash"
    images images 60 20
}

# label NAME - this metadata of every record of a stream, on one line.
label() {
    grad-info | mlr --icsv --onidx cut -f metadata | jq -r ".$1" | paste -sd' '
}

# A checkpoint in the middle of an epoch, at c, and what training dumps after it, at rest.
stop_in_the_middle() {
    gcc -shared -fPIC -o stop_at.so "$SAM_TOP/tests/preload/stop_at.c"
    train --epochs 4 --dump whole "$@" >/dev/null
    # Every checkpoint is 9 calls, 10 with new best weights: in the middle of the second epoch.
    STOP_AT=${STOP_AT:-40} LD_PRELOAD=./stop_at.so train --epochs 4 --checkpoint-every 1 \
        --checkpoint c --dump part "$@" >/dev/null || true
    step=$(head -c 20000 c.state | grep -ao '"step": *"[0-9]*"' | tr -dc 0-9)
    grad-cat --steps $((step + 1))-12 whole >rest
}

@test "--steps: the steps that training would take next, the same bytes" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    for optimizer in sam sgd; do
        rm -f c c.*
        stop_in_the_middle --optimizer $optimizer
        [ "$step" -ge 2 ]
        [ "$step" -le 10 ]
        dump-grads --checkpoint c --steps $((12 - step)) | grad-cat >steps
        cmp rest steps
    done
    dump-grads --checkpoint c --steps 9 | classify-ratio | tail -1 | cut -d, -f1 >last
    [ "$(cat last)" -eq $((step + 9)) ] # also beyond the end of the run
}

@test "--batches: the weights stay, the checkpoint is not touched" {
    train --checkpoint c >/dev/null
    md5sum c c.state c.best >sums
    dump-grads --checkpoint c --batches 3 >three
    dump-grads --checkpoint c >one
    head -c "$(stat -c %s one)" three | cmp - one
    [ "$(label weight_norm <three | tr ' ' '\n' | sort -u | wc -l)" -eq 1 ]
    [ "$(label batch <three | tr ' ' '\n' | sort -u | wc -l)" -eq 3 ]
    # The statistics of batch norm stay too: the first record does not depend on those before it.
    dump-grads --checkpoint c --batches 3 | cmp - three
    md5sum -c sums
}

@test "--weights: shape and gradients are those of the run that starts there" {
    train --epochs 1 --model resnet34 --width 3 --checkpoint w >/dev/null
    train --weights w --model resnet34 --width 3 --dump steps --dump-steps 1 --log /dev/null
    dump-grads --weights w --dataset cifar10 --data images --batch-size 16 --batches 1 \
        --val-fraction 0.2 --threads 1 >seen
    diff <(grad-cat --tensors '*' steps | classify-ratio --by tensor) \
        <(classify-ratio --by tensor seen)
    dump-grads --weights w --dataset cifar10 --data images --batch-size 16 --batches 5 --rho 0.1 \
        --augment none | classify-ratio >classes
    [ "$(wc -l <classes)" -eq 6 ]
}

@test "--checkpoint with --weights: other weights, the same minibatch" {
    train --checkpoint c >/dev/null
    train --checkpoint other --seed 5 >/dev/null
    dump-grads --checkpoint c >mine
    dump-grads --checkpoint c --weights other >theirs
    differ mine theirs
    [ "$(label batch <mine)" = "$(label batch <theirs)" ]
    dump-grads --checkpoint c --weights c | cmp - mine
}

@test "--batch-indices: images by number, in lines, blocks and pieces" {
    train --checkpoint c --augment none >/dev/null
    seq 0 9 >lines
    seq -s, 0 9 >commas
    dump-grads --checkpoint c --batch-indices lines >a
    dump-grads --checkpoint c --batch-indices commas >b
    cmp a b
    dump-grads --checkpoint c --batch-indices - <lines | cmp - a
    [ "$(label batch_size <a)" = 10 ]
    { cat lines; echo; seq 20 24; } >blocks
    dump-grads --checkpoint c --batch-indices blocks >two
    head -c "$(stat -c %s a)" two | cmp - a
    [ "$(label batch_size <two)" = "10 5" ]
    [ "$(dump-grads --checkpoint c --batch-indices lines --batch-size 4 | label batch_size)" = \
        "4 4 2" ]
    [ "$(dump-grads --checkpoint c --batch-indices blocks --batches 1 | classify-ratio | wc -l)" -eq 2 ]
    refused 1 "image 60, wanted indices below 60" \
        bash -c 'echo 60 | dump-grads --checkpoint c --batch-indices -'
    refused 1 "line 2" bash -c 'printf "1\nx\n" | dump-grads --checkpoint c --batch-indices -'
    refused 1 "empty" dump-grads --checkpoint c --batch-indices /dev/null
    refused 1 "nowhere" dump-grads --checkpoint c --batch-indices nowhere
}

@test "--replacement: independent images, where training would see each once" {
    train --checkpoint c --augment none --val-fraction 0 >/dev/null
    # Minibatches of all images are all alike, but for the rounding of their sums, ...
    next=$(dump-grads --checkpoint c --batch-size 60 --batches 3 | label loss)
    [ "$(printf '%.4f\n' $next | uniq | wc -l)" -eq 1 ]
    # ... unless some images come twice and others not at all.
    dump-grads --checkpoint c --batch-size 60 --batches 3 --replacement >drawn
    [ "$(printf '%.4f\n' $(label loss <drawn) | sort -u | wc -l)" -eq 3 ]
    [ "$(label batch_size <drawn)" = "60 60 60" ]
    # The same minibatches, however many are asked for; others at another seed.
    dump-grads --checkpoint c --batch-size 60 --batches 2 --replacement | grad-cat |
        cmp - <(grad-cat --records 1-2 drawn)
    [ "$(dump-grads --checkpoint c --batch-size 60 --seed 7 --replacement | label batch)" != \
        "$(grad-cat --records 1 drawn | label batch)" ]
    # Another size is another draw: the first of two images is not the one drawn alone.
    alone=$(dump-grads --checkpoint c --batch-size 1 --replacement | label batch)
    two=$(dump-grads --checkpoint c --batch-size 2 --replacement | label batch)
    printf '%s\n\n' $(seq 0 59) >each
    image=$(dump-grads --checkpoint c --batch-indices each | label batch | tr ' ' '\n' |
        grep -nx "$alone" | cut -d : -f 1)
    for other in $(seq 0 59); do printf '%s %s\n\n' $((image - 1)) "$other"; done >pairs
    [ "$(dump-grads --checkpoint c --batch-indices pairs | label batch | tr ' ' '\n' |
        grep -cx "$two")" -eq 0 ]
    # The same images of one and the same epoch are alike, but for a draw, which augments anew.
    train --checkpoint one --train-size 10 --augment all --val-fraction 0 --batch-size 10 >/dev/null
    printf '%s\n\n' '0 0' '0 0' '0 0' >alike
    [ "$(dump-grads --checkpoint one --batch-indices alike | label loss | tr ' ' '\n' |
        sort -u | wc -l)" -eq 1 ]
    dump-grads --checkpoint one --replacement --batch-size 1 --batches 200 >many
    paste <(label batch <many | tr ' ' '\n') <(label loss <many | tr ' ' '\n') | sort -u >looks
    [ "$(cut -f 1 looks | sort -u | wc -l)" -eq 10 ]
    [ "$(wc -l <looks)" -gt 150 ]
    refused 2 "which images are meant" dump-grads --checkpoint c --replacement --steps 1
    refused 2 "which images are meant" dump-grads --checkpoint c --replacement --batch-indices -
}

@test "what the checkpoint's run dumped, and on how many images, binds nobody else" {
    train --checkpoint c --dump d --dump-steps 1,6 --train-size 40 >/dev/null
    dump-grads --checkpoint c --batch-size 40 | classify-ratio >/dev/null
    seq 0 49 >most
    [ "$(dump-grads --checkpoint c --batch-indices most | label batch_size)" = 50 ]
    [ "$(dump-grads --checkpoint c --batch-size 50 | label batch_size)" = 40 ]
    printf '1 2\0 3\n' | refused 1 "line 1" dump-grads --checkpoint c --batch-indices -
}

@test "settings given replace the checkpoint's: radius, kernels" {
    train --checkpoint c >/dev/null
    [ "$(dump-grads --checkpoint c --rho 0 | classify-ratio --percent |
        mlr --icsv --onidx cut -f class1)" = 0 ]
    dump-grads --checkpoint c --kernels double >reference
    dump-grads --checkpoint c --kernels plain >plain
    differ reference plain
    SAM_KERNELS=double dump-grads --checkpoint c >./- # a file of this name is one like others
    cmp reference ./-
}

@test "--floor: nothing changes against the same kernels, something against others" {
    train --checkpoint c >/dev/null
    dump-grads --checkpoint c --kernels plain --floor plain --batches 2 >same
    [ "$(mlr --icsv --onidx cut -o -f changed,current_difference,perturbed_sign_flips same |
        sort -u)" = "0 0 0" ]
    dump-grads --checkpoint c --kernels plain --floor double --batches 2 >floor
    [ "$(wc -l <floor)" -eq 3 ]
    [ "$(mlr --icsv --onidx filter '$current_difference > 0 && $current_difference < 0.05 &&
        $changed_percent == 100 * $changed / $parameters && $changed_percent < 20' floor |
        wc -l)" -eq 2 ]
}

@test "the same bytes for any number of threads" {
    train --checkpoint c >/dev/null
    dump-grads --checkpoint c --batches 2 --threads 1 >one
    dump-grads --checkpoint c --batches 2 --threads 3 | cmp - one
}

@test "what it refuses" {
    train --checkpoint c >/dev/null
    refused 2 "neither" dump-grads
    refused 2 "--steps" dump-grads --weights c --steps 2
    refused 2 "--steps" dump-grads --checkpoint c --steps 2 --batches 2
    refused 2 "--steps" dump-grads --checkpoint c --steps 2 --floor plain
    refused 2 "--steps" dump-grads --checkpoint c --steps 0
    refused 2 "operand" dump-grads --checkpoint c stray
    refused 2 "unrecognized" dump-grads --checkpoint c --epochs 3
    refused 2 "nonsense" dump-grads --checkpoint nowhere --floor nonsense
    yes 1 | head -n 65537 >long
    refused 1 "long: a minibatch of 65537 images, wanted at most 65536" \
        dump-grads --checkpoint c --batch-indices long
    refused 1 "nowhere" dump-grads --checkpoint nowhere
    refused 1 "channels" dump-grads --weights c
    head -c 5000 c >broken
    refused 1 "broken" dump-grads --weights broken --dataset cifar10 --data images
    cp c alone
    refused 1 "alone.state" dump-grads --checkpoint alone
    dump-grads --weights alone --dataset cifar10 --data images --batch-size 16 >/dev/null
    [ -w /dev/full ] || skip "no /dev/full"
    refused 1 "standard output" bash -c 'dump-grads --checkpoint c >/dev/full'
}

@test "dump-grads --weights - wants a file, as the network's shape is read from it first" {
    refused 2 "wanted the name of a file" dump-grads --weights - --dataset cifar10 --data images
}
