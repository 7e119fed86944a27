#!/usr/bin/env bats
# Every tool under valgrind's memcheck, which sees what the address sanitizer does not: values that
# were never set. A tool that comes to its end has also freed all it took; one that stops on an error
# may leave that to the system. Valgrind hides AVX-512, which it does not know: what runs is AVX2.
bats_require_minimum_version 1.5.0
load ../cli/analysis
load ../cli/train

readonly READERS=(classify-ratio bucket-stats flat-threshold overlap class-transitions mean-gradient
    grad-info grad-cat)

setup() {
    command -v valgrind >/dev/null || skip "valgrind is not installed (make setup-tests installs it)"
    [[ $SAM_BIN != *sanitize* ]] || skip "valgrind and a sanitizer exclude each other"
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
    { first && second; } >two
}

# memcheck STATUS KINDS TOOL ARGUMENT... - the tool ends with the status; no error, no leak of the
# kinds. What it prints goes to `printed`.
memcheck() {
    local status=0 wanted=$1 kinds=$2 tool=$3
    shift 3
    valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds="$kinds" \
        --errors-for-leak-kinds="$kinds" --log-file=report "$(command -v "$tool")" "$@" \
        >printed 2>messages || status=$?
    [ "$status" -eq "$wanted" ] && [ ! -s report ] && return
    echo "status $status, wanted $wanted: $tool $*"
    head -n 30 messages report
    return 1
}
finishes() { memcheck 0 all "$@"; }
fails() { memcheck 1 definite "$@"; }

@test "a stream, from a file and from a pipe" {
    for tool in "${READERS[@]}"; do
        finishes "$tool" two
        finishes "$tool" --tensors 'bn*' < <(cat two)
    done
}

@test "what only one tool does" {
    finishes grad-cat --dtype f16 --checksum --meta run=x --records 1-2 -o half two
    for tool in classify-ratio bucket-stats flat-threshold class-transitions; do
        finishes "$tool" --null --by tensor half
    done
    finishes classify-ratio --eps 1e-8 --map map two
    finishes overlap --running map
    finishes overlap --all-pairs map
    finishes overlap --lag 1 map
    finishes bucket-stats --cumulative --edges 1,2,inf --class 3 two
    finishes flat-threshold --magnitude perturbed < <(cat two)
    npy() { perl -e '
        my $header = "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2,), }";
        $header =~ tr/"/\x27/;
        print "\x93NUMPY\x01\x00", pack("S<", length $header), $header, pack("f<2", 1, 2);'; }
    npy >a.npy
    finishes grad-cat --npy a.npy a.npy
}

@test "a stream that is cut short, or damaged, or none" {
    head -c -3 two >short
    { grad-cat --checksum two | head -c -1; printf '\1'; } >damaged
    for tool in "${READERS[@]}"; do
        fails "$tool" short
        fails "$tool" < <(cat short)
        fails "$tool" damaged
        fails "$tool" /dev/null
    done
}

@test "help, and wrong usage" {
    memcheck 2 definite classify-ratio --no-such-option
    memcheck 2 definite train-sam --width 0
    for tool in "${READERS[@]}" train-sam dump-grads; do
        memcheck 0 definite "$tool" --help
    done
}

@test "training, with all arithmetics of this machine, resumed, and dumping" {
    images images 12 4
    for kernels in auto portable double; do
        finishes train-sam --dataset cifar10 --data images --width 1 --batch-size 6 --epochs 1 \
            --val-fraction 0 --threads 2 --optimizer sam --rho 0.1 --kernels "$kernels" \
            --checkpoint "$kernels" --dump "$kernels.dump"
    done
    finishes train-sam --resume auto --dump auto.dump
    finishes dump-grads --checkpoint portable --steps 1
    finishes dump-grads --weights portable --dataset cifar10 --data images --batch-size 6 \
        --batches 1 --rho 0.1 --augment none
}
