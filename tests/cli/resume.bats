#!/usr/bin/env bats
# A run that is stopped, however and whenever, and resumed leaves the same bytes as one that never
# was: weights, state, best weights, dump, and the table but for its seconds.

setup() {
    PATH=$SAM_BIN:$PATH
    cd "$BATS_TEST_TMPDIR" || exit
    # shellcheck source=tests/cli/train.bash
    source "$SAM_TOP/tests/cli/train.bash"
    images images 120 20
    # shellcheck disable=SC2206  # an array of the options that this prints
    whole=($(outputs whole)) cut=($(outputs cut))
}

# The run that the tests stop: 36 steps of 12 epochs, a checkpoint every 2 steps and every epoch; so
# after each 6 steps there are two of the same weights, before and after the epoch's evaluation.
# Minibatches of 40 images are three parts (nn/lanes_network.h), which threads share.
long() {
    train --batch-size 40 --epochs 12 --checkpoint-every 2 --dump-every 2 "$@"
}

# A number from 0 to $1, uniform, of bash's generator: RANDOM is seeded by the test.
below() {
    echo $((RANDOM % $1))
}

@test "killed at random moments, with another number of threads each time" {
    long "${whole[@]}"
    RANDOM=42
    for ((kills = 0; kills < 25; kills++)); do
        train-sam --dataset cifar10 --data images --width 2 --batch-size 40 --epochs 12 \
            --val-fraction 0.2 --checkpoint-every 2 --dump-every 2 \
            --threads $((1 + kills % 2)) "${cut[@]}" --resume &
        pid=$!
        sleep "0.$(printf %03d "$(below 500)")"
        kill -9 $pid || true
        wait $pid || true
    done
    long "${cut[@]}" --resume
    same_run whole cut
}

@test "killed just before every rename and fsync of the first five checkpoints" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    gcc -shared -fPIC -o stop_at.so "$SAM_TOP/tests/preload/stop_at.c"
    long "${whole[@]}"
    for ((at = 1; at <= 45; at++)); do
        rm -f cut*
        status=0
        STOP_AT=$at LD_PRELOAD=./stop_at.so long "${cut[@]}" || status=$?
        [ "$status" -eq 137 ]
        long "${cut[@]}" --resume
        same_run whole cut
    done
}

@test "SIGTERM and SIGINT end the step, save, and exit with 128 + signal" {
    long "${whole[@]}"
    for signal in 15 2; do
        rm -f cut*
        # A command in the background ignores SIGINT, and so may all that started it.
        begin="exec env --default-signal=INT" long --info cut.json "${cut[@]}" &
        pid=$!
        while [ ! -e cut.state ]; do sleep 0.01; done
        kill -$signal $pid
        status=0
        wait $pid || status=$?
        [ "$status" -eq $((128 + signal)) ]
        grep -q '"stopped"' cut.json # written after the last save; the signal alone would not
        [ ! -e cut.next ]
        long "${cut[@]}" --resume
        same_run whole cut
    done
}

@test "a run that is stopped before its first step leaves an older checkpoint as it was" {
    train --checkpoint cut
    cp cut before && cp cut.state before.state && cp cut.best before.best
    # A signal that waits before the program begins.
    run perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM));
        kill TERM => $$; exec @ARGV' train-sam --dataset cifar10 --data images --width 2 \
        --batch-size 16 --threads 1 --checkpoint cut --seed 2
    [ "$status" -eq 143 ]
    for suffix in '' .state .best; do cmp "cut$suffix" "before$suffix"; done
}

@test "a run that waits for who reads its pipe ends by a signal, with a checkpoint too" {
    mkfifo pipe
    status=0
    begin="timeout --preserve-status -k 5 1" train --checkpoint cut --dump pipe || status=$?
    [ "$status" -eq 143 ]
    [ ! -e cut ]
}

@test "a checkpoint that cannot be looked at is not taken for one that is not there" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    gcc -shared -fPIC -o io_errors.so "$SAM_TOP/tests/preload/io_errors.c"
    train --checkpoint cut
    before=$(stat -c %i cut) # a run from the start would end with the same bytes, in a new file
    IO_ERROR=access LD_PRELOAD=./io_errors.so train --checkpoint cut --resume
    [ "$(stat -c %i cut)" = "$before" ]
}

@test "a table whose last write is lost is a failure, and nothing worse" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    gcc -shared -fPIC -o io_errors.so "$SAM_TOP/tests/preload/io_errors.c"
    IO_ERROR=fclose LD_PRELOAD=./io_errors.so run train --log table.csv
    [ "$status" -eq 1 ]
    [[ $output == *"table.csv: Input/output error"* ]]
}

@test "a SIGINT that is ignored, as of a command in the background, stays so" {
    (trap '' INT && begin=exec long "${cut[@]}" --epochs 40) &
    pid=$!
    while [ ! -e cut.state ]; do sleep 0.01; done
    kill -INT $pid
    wait $pid
}

@test "the controls that draw random numbers resume too" {
    for control in random-mask shuffled-ratio; do
        rm -f whole* cut*
        long --control $control "${whole[@]}"
        gcc -shared -fPIC -o stop_at.so "$SAM_TOP/tests/preload/stop_at.c"
        [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
        STOP_AT=100 LD_PRELOAD=./stop_at.so long --control $control "${cut[@]}" || true
        [ "$(wc -l <cut.csv)" -lt 13 ]
        long --control $control "${cut[@]}" --resume
        same_run whole cut
    done
}

@test "--resume of a finished run does nothing, and writes the whole table again" {
    train --checkpoint c --log c.csv
    cp c saved
    cp c.state saved.state
    cp c.best saved.best
    cp c.csv saved.csv
    echo more >>c.csv # of a longer table nothing is left
    train --checkpoint c --log c.csv --resume
    same_run c saved
    diff c.csv saved.csv # the seconds of earlier rows are kept
    train --checkpoint c --resume >elsewhere
    diff <(without_seconds elsewhere) <(without_seconds saved.csv)
    [ "$(mlr --icsv --onidx cut -f seconds elsewhere | tr -d '\n')" = "" ]
}

@test "a resumed run writes its table to a pipe, whole" {
    train --schedule constant --epochs 1 --checkpoint c --log c.csv
    timeout -s KILL 60 bash -c "$(declare -f train); train --schedule constant --epochs 2 \
        --checkpoint c --resume --log /dev/stdout" | cat >table
    [ "$(wc -l <table)" -eq 3 ]
}

@test "--resume FILE takes the settings from the checkpoint" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    train --rho 0.3 --perturbed-classes 1,3 --seed 4 --checkpoint whole --log whole.csv
    gcc -shared -fPIC -o stop_at.so "$SAM_TOP/tests/preload/stop_at.c"
    STOP_AT=30 LD_PRELOAD=./stop_at.so train --rho 0.3 --perturbed-classes 1,3 --seed 4 \
        --checkpoint cut --log cut.csv --checkpoint-every 1 || true
    [ "$(wc -l <cut.csv)" -eq 1 ] # still in the first epoch
    train-sam --resume cut --log cut.csv
    same_run whole cut
    train-sam --resume=cut --log cut.csv --rho 0.3 --threads 2
    same_run whole cut
    refused 1 "nowhere" train-sam --resume nowhere
}

@test "--resume FILE judges settings with the checkpoint's, not with the defaults" {
    train --checkpoint c --schedule constant --epochs 1 --dump c.dump --dump-epochs all >/dev/null
    train-sam --resume c --epochs 2 --dump c.dump --checkpoint-every 2 >/dev/null
    [ "$(grad-info c.dump | mlr --icsv --onidx cut -f epoch | paste -sd' ')" = "1 2" ]
    train --checkpoint d --schedule constant --epochs 300 --train-size 16 --dump d.dump \
        --dump-epochs 1,300 >/dev/null
    train-sam --resume=d --dump d.dump --dump-epochs 1,300 >/dev/null
    dump-grads --checkpoint d --dataset cifar10 >/dev/null
}

@test "where the rate is constant a finished run goes on for more epochs" {
    # shellcheck disable=SC2086
    train --schedule constant --epochs 3 --dump-epochs all ${whole[*]}
    for epochs in 1 2; do
        # shellcheck disable=SC2086
        train --schedule constant --epochs $epochs --dump-epochs all ${cut[*]} --resume
    done
    refused 2 "--epochs: '1'" train-sam --resume cut --dump cut.dump --epochs 1
    train-sam --resume cut --dump cut.dump --log cut.csv --epochs 3
    same_run whole cut
    # A cosine depends on where it ends.
    train --checkpoint c >/dev/null
    refused 2 "--epochs: '3', but the checkpoint c was made with '2'" \
        train --checkpoint c --resume --epochs 3
}

@test "--resume FILE with another --checkpoint: the copy is whole, best weights and all" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    gcc -shared -fPIC -o stop_at.so "$SAM_TOP/tests/preload/stop_at.c"
    short() { train --batch-size 40 --epochs 6 "$@"; }
    short --checkpoint whole --log whole.csv
    STOP_AT=25 LD_PRELOAD=./stop_at.so short --checkpoint first --log first.csv || true
    [ -e first.best ]
    STOP_AT=12 LD_PRELOAD=./stop_at.so train-sam --resume=first --checkpoint second \
        --log second.csv || true
    [ "$(wc -l <second.csv)" -lt 7 ]
    train-sam --resume=second --log second.csv
    same_run whole second
}

@test "dump-grads reads a checkpoint while its run replaces it, and disturbs neither" {
    # A folder that may not be written, with the state still under the name of the next.
    train --checkpoint folder-c --log log.csv
    mkdir folder
    mv folder-c folder/c
    mv folder-c.best folder/c.best
    mv folder-c.state folder/c.state.next
    find folder | sort >before
    dump-grads --checkpoint folder/c >/dev/null
    find folder | sort | diff before -
    # The run itself, when it goes on, gives it its name.
    train-sam --resume=folder/c --log log.csv
    [ -e folder/c.state ]
    [ ! -e folder/c.state.next ]
}

@test "settings that contradict the checkpoint are refused, naming both values" {
    train --rho 0.3 --checkpoint c --dump d --dump-every 2 >/dev/null
    cp c.state saved
    refused 2 "--rho: '0.2', but the checkpoint c was made with '0.3'" \
        train-sam --resume c --rho 0.2
    refused 2 "--rho: '0.1', but the checkpoint c was made with '0.3'" \
        train --checkpoint c --resume
    refused 2 "--epochs: '3'" train-sam --resume c --epochs 3
    refused 2 "--seed: '2'" train-sam --resume c --seed 2
    refused 2 "--width: '3'" train-sam --resume c --width 3
    refused 2 "--dump-every: '3'" train-sam --resume c --dump d --dump-every 3
    refused 2 "--kernels: 'double'" train-sam --resume c --kernels double
    SAM_KERNELS=double refused 2 "--kernels: 'double'" train-sam --resume c
    refused 2 "--dump" train-sam --resume c
    train --checkpoint every --dump e >/dev/null
    refused 2 "no --dump" train-sam --resume every
    cmp c.state saved
    cp d shorter
    truncate -s 1000 shorter
    refused 1 "shorter: 1000 bytes, wanted at least" train-sam --resume c --dump shorter
    # As long as the run's own or longer, but another run's: neither cut nor written to.
    train --rho 0.3 --seed 9 --dump another --dump-every 1 >/dev/null
    cp another kept
    refused 1 "another: XXH3" train-sam --resume c --dump another
    cmp another kept
    cp -r images other
    printf x | dd of=other/data_batch_1.bin bs=1 seek=100 conv=notrunc status=none
    refused 1 "other: a data set" train-sam --resume c --dump d --data other
}

@test "a state that is damaged is refused by its own name" {
    long "${cut[@]}"
    size=$(stat -c %s cut.state)
    cp cut.state whole.state
    printf '\x55' | dd of=cut.state bs=1 seek=$((size - 5)) conv=notrunc status=none
    refused 1 "cut.state: " long "${cut[@]}" --resume
    head -c -1 whole.state >cut.state
    refused 1 "cut.state: record 1 at byte 0: truncated" long "${cut[@]}" --resume
}

@test "files that do not belong together, or are damaged, are refused" {
    train --checkpoint a >/dev/null
    train --checkpoint b --seed 2 >/dev/null
    for suffix in '' .state .best; do
        for copy in '' .state .best; do cp a$copy c$copy; done
        cp b$suffix c$suffix
        refused 1 "not written together" train-sam --resume c
        for copy in '' .state .best; do cp a$copy c$copy; done
        truncate -s -10 c$suffix
        refused 1 "c" train-sam --resume c
        rm c$suffix
        refused 1 "c$suffix: no" train-sam --resume c
    done
}
