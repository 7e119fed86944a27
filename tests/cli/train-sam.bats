#!/usr/bin/env bats
# train-sam: its table, its arms, what it writes, what it refuses. Oracles: PyTorch
# (tests/oracle/train_torch.py), identities between arms, and the other tools.

setup() {
    PATH=$SAM_BIN:$PATH
    cd "$BATS_TEST_TMPDIR" || exit
    # shellcheck source=tests/cli/train.bash
    source "$SAM_TOP/tests/cli/train.bash"
    images images 60 20
}

@test "training is PyTorch's: order, gradients, all arms, schedule, strict load_state_dict" {
    /usr/bin/python3 -c 'import numpy, torch' 2>/dev/null || skip "python3-torch is not installed"
    export PYTHONDONTWRITEBYTECODE=1
    mkdir oracle
    /usr/bin/python3 "$SAM_TOP/tests/oracle/train_torch.py" make oracle
    run /usr/bin/python3 "$SAM_TOP/tests/oracle/train_torch.py" "$SAM_BIN" oracle
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the table has one row an epoch, the last smaller minibatch counts" {
    train --epochs 3 >table
    [ "$(head -1 table)" = "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,test_loss,\
test_accuracy,gradient_norm,perturbed_gradient_norm,weight_norm,seconds" ]
    # 48 training images: 3 steps an epoch; with 50, 4.
    [ "$(mlr --icsv --onidx cut -o -f epoch,step table | paste -sd' ')" = "1 3 2 6 3 9" ]
    train --val-fraction 0 --train-size 50 --batch-size 16 >table
    [ "$(mlr --icsv --onidx cut -o -f epoch,step table | paste -sd' ')" = "1 4 2 8" ]
    # Without validation images its columns are empty.
    [ "$(mlr --icsv --onidx --ofs , cut -o -f val_loss,val_accuracy table | sort -u)" = "," ]
    [ "$(mlr --icsv --onidx filter 'is_empty($test_accuracy)' table | wc -l)" -eq 0 ]
}

@test "fewer images than a minibatch are one minibatch" {
    train --batch-size 64 >more
    train --batch-size 48 >all
    diff <(without_seconds more) <(without_seconds all)
    [ "$(mlr --icsv --onidx cut -f step more | paste -sd' ')" = "1 2" ]
}

@test "--test-every leaves out the test set, but never at the end" {
    train --epochs 5 --test-every 2 >table
    [ "$(mlr --icsv --onidx filter 'is_not_empty($test_loss)' then cut -f epoch table |
        paste -sd' ')" = "2 4 5" ]
    train --epochs 2 --test-every 0 --info info >table
    [ "$(mlr --icsv --onidx filter 'is_not_empty($test_loss)' then cut -f epoch table)" = "2" ]
    jq -e '.best.test_accuracy >= 0' info
}

@test "a loss goes down: there is something to learn, and it is learnt" {
    train --epochs 12 --augment none --lr 0.05 --width 4 >table
    mlr --icsv --onidx filter 'NR == 1 || NR == 12' then cut -f train_loss table | paste -sd' ' |
        awk '{ exit !($2 < 0.6 * $1) }'
}

# The first 40 of 48 images are a minibatch of three parts (nn/lanes_network.h).
@test "the same bytes for one, two and three threads" {
    for threads in 1 2 3; do
        # shellcheck disable=SC2046
        train --batch-size 40 --threads $threads $(outputs t$threads)
    done
    same_run t1 t2
    same_run t1 t3
}

@test "the same bytes for one and two threads in the controls" {
    for control in random-mask shuffled-ratio step-size norm-matched; do
        for threads in 1 2; do
            train --control $control --threads $threads --checkpoint c$threads \
                --log c$threads.csv --width 16
        done
        same_run c1 c2
    done
}

# As many calls for memory in a run of 12 steps as in one of 3, but for one or two that threads make
# when they start. OpenBLAS's products of small matrices for AVX-512 take memory of their own, so
# older kernels are asked of it.
@test "a step takes no memory" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    gcc -shared -fPIC -O -o faults.so "$SAM_TOP/tests/preload/faults.c"
    calls() {
        OPENBLAS_CORETYPE=Prescott FAULT=count:0 FAULT_FD=3 LD_PRELOAD=./faults.so \
            train --epochs 1 --val-fraction 0 --train-size 48 --threads 2 --log table "$@" 3>count
        cat count
    }
    for options in "--kernels auto" "--kernels portable" "--conv direct" "--control random-mask" \
        "--control norm-matched --perturbed-classes 1" "--kernels double" "--optimizer sgd"; do
        # shellcheck disable=SC2086
        three=$(calls $options --batch-size 16) twelve=$(calls $options --batch-size 4)
        echo "$options: $three and $twelve"
        [ "$three" -gt 50 ]
        [ "$twelve" -le $((three + 4)) ]
    done
}

@test "another seed, another run" {
    train --checkpoint a >/dev/null
    train --checkpoint b --seed 2 >/dev/null
    differ a b
}

@test "arms that are the same by definition give the same weights" {
    train --checkpoint sgd --optimizer sgd >/dev/null
    train --checkpoint sam >/dev/null
    differ sgd sam
    train --checkpoint arm --perturbed-classes none >/dev/null
    cmp arm sgd
    train --checkpoint arm --mix current --control random-mask >/dev/null
    cmp arm sgd
    train --checkpoint arm --mix all=perturbed >/dev/null
    cmp arm sam
    train --checkpoint arm --perturbed-classes 1,2,3,4 --control random-mask >/dev/null
    train --checkpoint arm2 --perturbed-classes 1,2,3,4 >/dev/null
    cmp arm arm2
    train --checkpoint arm --clamp 1e30 --mix 0=perturbed,1234=perturbed >/dev/null
    cmp arm sam
}

@test "arms that differ give different weights" {
    for arm in "--perturbed-classes 1" "--perturbed-classes 1,3" "--mix magnitude" \
        "--mix direction" "--clamp 1.5" "--control random-mask --perturbed-classes 1" \
        "--control shuffled-ratio" "--control step-size" "--control norm-matched --mix direction" \
        "--adaptive" "--rho 0.2"; do
        # shellcheck disable=SC2086
        train --checkpoint arm $arm >/dev/null
        md5sum <arm
    done >sums
    [ "$(sort -u sums | wc -l)" -eq 11 ]
}

@test "--rho 0: no parameter in class 1, 3 or 4" {
    train --rho 0 --dump - | classify-ratio >classes
    [ "$(mlr --icsv --onidx filter '$class1 + $class3 + $class4 > 0' classes | wc -l)" -eq 0 ]
    [ "$(mlr --icsv --onidx filter '$class2 > 0' classes | wc -l)" -eq 6 ]
}

@test "--dump -: the stream, and no table; labels say which step it was" {
    train --dump - --run r1 >stream
    grad-info stream >rows
    [ "$(mlr --icsv --onidx cut -o -f step,epoch rows | paste -sd' ')" = \
        "1 1 2 1 3 1 4 2 5 2 6 2" ]
    train --dump - --log table >/dev/null
    [ "$(wc -l <table)" -eq 3 ]
    # The same pipe by another name.
    train --dump /dev/stdout --run r1 | cmp - stream
    refused 2 "--dump and --log: both standard output" \
        bash -c 'train-sam --dump /dev/stdout --log - | cat; exit "${PIPESTATUS[0]}"'
}

@test "--dump-every, --dump-steps, --dump-epochs choose steps, together their union" {
    steps() {
        train --epochs 3 --log /dev/null --dump - "$@" | classify-ratio |
            mlr --icsv --onidx cut -f step | paste -sd' '
    }
    [ "$(steps)" = "1 2 3 4 5 6 7 8 9" ]
    [ "$(steps --dump-every 4)" = "4 8" ]
    [ "$(steps --dump-steps 1,5-6)" = "1 5 6" ]
    [ "$(steps --dump-epochs 1,3)" = "3 9" ]
    [ "$(steps --dump-epochs all)" = "3 6 9" ]
    [ "$(steps --dump-every 5 --dump-steps 1 --dump-epochs 2)" = "1 5 6" ]
}

@test "dumping changes nothing: same weights with and without, for SGD too" {
    for optimizer in sgd sam; do
        train --optimizer $optimizer --checkpoint with --dump dump >/dev/null
        train --optimizer $optimizer --checkpoint without >/dev/null
        cmp with without
        [ "$(classify-ratio dump | wc -l)" -eq 7 ]
    done
}

@test "--info, --profile and --predictions agree with the table" {
    train --epochs 4 --info info --profile=profile --predictions predictions >table
    jq -e '.status == "done" and .steps == 12 and .epochs == 4 and .threads == 1 and
        .dataset.train == 48 and .settings.rho == "0.1"' info
    [[ $(jq -r .kernels info) == *', OpenBLAS for '* ]]
    last=$(mlr --icsv --onidx tail -n 1 then cut -f test_accuracy table)
    # The first of equals, as the trainer has it.
    best=$(mlr --icsv --onidx sort -nr val_accuracy then head -n 1 then cut -f test_accuracy table)
    jq -e ".final.test_accuracy == $last and .best.test_accuracy == $best" info
    [ "$(mlr --icsv --onidx stats1 -a mean -f final,best then \
        put '$final_mean *= 100; $best_mean *= 100' predictions)" = "$last $best" ]
    [ "$(wc -l <predictions)" -eq 21 ]
    [ "$(head -2 profile | tail -1 | cut -d, -f1,3)" = "steps,100" ]
}

# Oracle: answers kept from the evaluations of an epoch are those of the same weights asked anew, as
# they are where a finished run is resumed. Of one epoch the best is the last; of four it is an
# earlier one in most runs, since the first of equals counts.
@test "--predictions are the same when they are made anew" {
    for run in "1 1" "4 1" "4 2" "4 3" "4 4"; do
        read -r epochs seed <<<"$run"
        options=(--epochs "$epochs" --seed "$seed" --test-every 0 --checkpoint "c$epochs$seed")
        train "${options[@]}" --info info --predictions kept >/dev/null
        jq ".best.epoch == $epochs" info >>last
        train "${options[@]}" --resume --predictions anew >/dev/null
        cmp kept anew
    done
    [ "$(sort -u last | tr '\n' ' ')" = "false true " ]
}

@test "--weights: training starts there, and only the same network's will do" {
    train --checkpoint start --epochs 1 >/dev/null
    train --weights start --lr 0 --momentum 0 --checkpoint end >/dev/null
    dump-grads --weights start --dataset cifar10 --data images --batch-size 16 --augment none |
        classify-ratio >a
    train --weights start --augment none --dump - --dump-steps 1 --val-fraction 0.1 | classify-ratio >b
    cmp a b
    refused 1 "width 2" train --weights start --width 3
    refused 1 "No such file" train --weights nowhere
}

@test "--kernels and SAM_KERNELS choose the arithmetic; unknown ones are refused" {
    SAM_KERNELS=plain train --info info >/dev/null
    [ "$(jq -r .settings.kernels info)" = plain ]
    SAM_KERNELS=plain train --kernels double --info info >/dev/null
    [ "$(jq -r .settings.kernels info)" = double ]
    refused 2 "nonsense" train --kernels nonsense
}

@test "wrong settings are refused before any input is read" {
    while read -r text options; do
        # shellcheck disable=SC2086
        refused 2 "$text" train-sam --dataset cifar10 --data nowhere $options
    done <<'CASES'
--rho --optimizer sgd --rho 0.1
--adaptive --optimizer sgd --adaptive
--mix --optimizer sgd --mix magnitude
--perturbed-classes --optimizer sgd --perturbed-classes 1
--control --optimizer sgd --control random-mask
--perturbed-classes --perturbed-classes 5
--perturbed-classes --perturbed-classes 1,1
--mix --mix 7=current
--mix --mix 1=current --perturbed-classes 1
--control --control step-size --mix magnitude
--width --width 0
--lr --lr -1
--epochs --epochs 1.5
--val-fraction --val-fraction 1
--dump --dump-every 5
--dump --dump - --log -
--dump-epochs --dump d --dump-epochs 201
--dump-steps --dump d --dump-steps 0
--checkpoint --checkpoint-every 5
--checkpoint --resume
--augment-validation --augment-validation --val-fraction 0
operand stray
same --log x --dump x
mnist --dataset mnist
adam --optimizer adam
CASES
}

@test "settings that the images cannot bear are refused with status 2" {
    refused 2 "49" train --train-size 49
    refused 2 "--dump-steps" train --dump d --dump-steps 7
    refused 2 "--dump-every" train --dump d --dump-every 7
    [ ! -e d ]
}

@test "a loss that is not finite: status 3, the table so far is kept" {
    refused 3 "diverged" train --epochs 50 --lr 1e6 --momentum 0.99 --weight-decay 1 --log table \
        --info info --checkpoint c
    rows=$(($(wc -l <table) - 1))
    [ "$rows" -lt 50 ]
    [ "$(jq -r .status info)" = diverged ]
    [ "$(jq .epochs info)" -eq "$rows" ]
}

# Only the evaluation can tell; such weights are not saved.
@test "a last step that diverges: status 3, too" {
    for optimizer in sgd sam; do
        refused 3 "diverged: the loss of the validation images is" train --epochs 1 --batch-size 48 \
            --optimizer $optimizer --lr 1e6 --weight-decay 1 --info info --checkpoint c
        refused 3 "diverged: the loss of the test images is" train --epochs 1 --batch-size 60 \
            --optimizer $optimizer --lr 1e6 --weight-decay 1 --val-fraction 0 --info info
        [ "$(jq -r '.status, .epochs' info | paste -sd' ')" = "diverged 0" ]
        [ ! -e c ]
    done
}

@test "what could not be written at the end is refused at the beginning" {
    for option in --info --predictions --profile --checkpoint --log --dump; do
        refused 1 "nowhere/file" train $option=nowhere/file --epochs 1000000
        refused 1 "$PWD" train $option="$PWD" --epochs 1000000
    done
    for option in --info --dump --log; do
        echo before >kept
        refused 1 nowhere train $option kept --profile=nowhere/file --epochs 1000000
        [ "$(cat kept)" = before ]
    done
    refused 1 nowhere train --dump kept --log nowhere/file --epochs 1000000
    refused 1 nowhere train --log kept --dump nowhere/file --epochs 1000000
    [ "$(cat kept)" = before ]
    mkdir c.best
    refused 2 "--checkpoint: 'c.best', wanted" train --checkpoint c --epochs 1000000
}

@test "a checkpoint keeps nothing of the run whose place it takes" {
    train --checkpoint c >/dev/null
    [ -e c.best ]
    train --checkpoint c --val-fraction 0 >/dev/null
    [ "$(echo c*)" = "c c.state" ]
    train-sam --resume c >/dev/null
}

@test "a checkpoint takes the place of regular files alone; two outputs are two files" {
    mkfifo pipe
    ln -s nowhere dangling
    touch target
    ln -s target link
    for name in pipe dangling link ''; do
        refused 2 "--checkpoint: '$name', wanted the name of a regular file" \
            train --checkpoint "$name" --log table
        [ ! -e table ]
    done
    refused 2 "--log and --dump: one and the same file" train --log same --dump ./same
    refused 2 "--log and --checkpoint: one and the same file" train --log c.state --checkpoint ./c
    refused 2 "--dump and --checkpoint: one and the same file" \
        train --dump "$PWD/c.best.next" --checkpoint c
    refused 2 "--log and --weights: one and the same file" train --log link --weights target
    refused 2 "--weights and --checkpoint: one and the same file" \
        train --weights c.best --checkpoint c
    # By links, to what is there and to what is not.
    refused 2 "--log and --dump: one and the same file" train --log dangling --dump nowhere
    ln target hard
    refused 2 "--log and --dump: one and the same file" train --log hard --dump target
    # Where a standard stream goes.
    run bash -c 'train-sam --dataset cifar10 --data images --width 2 --dump out >out'
    [ "$status" -eq 2 ]
    refused 2 "out: where standard output goes" bash -c \
        'train-sam --dataset cifar10 --data images --width 2 --log out 2>&1 >out'
    # A checkpoint may take the place of the weights that it began with.
    train --checkpoint c >/dev/null
    train --weights c --checkpoint c >/dev/null
    train --log /dev/null --info /dev/null
}

@test "a run that goes on leaves the checkpoint alone that it goes on from" {
    train --checkpoint c >/dev/null
    mkdir kept
    cp c c.* kept
    for option in --log=c --log=./c.state --info=c.best --dump=c; do
        refused 2 "one and the same file" train-sam --resume=c "$option"
        refused 2 "one and the same file" train-sam --resume=c --checkpoint d "$option"
    done
    for suffix in '' .state .best; do ln -s "c$suffix" "link$suffix"; done
    refused 2 "--checkpoint: 'link', wanted the name of a regular file" train-sam --resume=link
    for suffix in '' .state .best; do cmp "c$suffix" "kept/c$suffix"; done
}

@test "text that cannot stand in what is written is refused before any input is read" {
    cp -r images $'im\xff'
    refused 2 "wanted UTF-8" train --data $'im\xff' --checkpoint c
    refused 2 "wanted UTF-8" train --run $'\xff' --dump d
    train --epochs 1 --checkpoint c --log $'l\xff' # whose name stands nowhere
    refused 2 "--log: '" train --log $'lo\xff' --info i
    train --data $'im\xff' >/dev/null
}

@test "kernels that are not there are refused before anything is read" {
    refused 2 "kernels 'x': on this machine one of auto" train --kernels x --data nowhere
    refused 2 "kernels 'x'" dump-grads --kernels x --weights nowhere --dataset cifar10 --data nowhere
    refused 2 "kernels 'x'" dump-grads --kernels x --checkpoint nowhere
}

@test "a disk that is full is status 1, and the checkpoint before it stays whole" {
    [ -w /dev/full ] || skip "no /dev/full"
    refused 1 "/dev/full" train --log /dev/full
    refused 1 "/dev/full" train --dump /dev/full --log table
    refused 1 "standard output" bash -c 'train-sam --dataset cifar10 --data images --width 2 \
        --batch-size 16 --epochs 1 >/dev/full'
    refused 1 "/dev/full" train --info /dev/full
    train --epochs 1 --checkpoint c --log c.csv
    cp c saved
    cp c.state saved.state
    cp c.best saved.best
    # No file may grow beyond 8 kB: the writes of the next checkpoint fail.
    refused 1 "c." bash -c "trap '' XFSZ; ulimit -f 8; source '$SAM_TOP/tests/cli/train.bash'
        train --epochs 1 --checkpoint c --seed 3 --log c.csv"
    for suffix in '' .state .best; do
        cmp c$suffix saved$suffix
        [ ! -e c$suffix.next ]
    done
}

@test "a reader that goes away ends it quietly" {
    train --epochs 50 --dump - 2>message | head -c 100 >/dev/null
    [ "$(grep -vc ResNet message)" -eq 0 ]
}

@test "a name that no file can have is refused before the training" {
    long=$(printf 'x%.0s' {1..300})
    for option in info predictions profile; do
        refused 1 "no name that a file can have" train --"$option=" --log l
        refused 1 "no name that a file can have" train --"$option=$long" --log l
    done
    [ ! -e l ]
}
