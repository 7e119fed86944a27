# What the tests of train-sam and dump-grads share: a small set of images, short runs on it, and how
# what they leave behind is compared.

# images FOLDER TRAIN TEST - a set in CIFAR-10's binary format: each image is its class's pattern
# under noise, from a linear congruential generator, so that there is something to learn.
images() {
    mkdir -p "$1"
    perl -e 'use integer;
        my ($folder, @counts) = @ARGV;
        my $x = 1;
        sub byte { $x = ($x * 1103515245 + 12345) & 0x7fffffff; $x >> 16 & 255 }
        my @patterns = map { [map { byte() } 1 .. 3072] } 0 .. 9;
        for my $file ("data_batch_1.bin", "test_batch.bin") {
            open(my $out, ">:raw", "$folder/$file") or die;
            for my $i (0 .. shift(@counts) - 1) {
                my $pattern = $patterns[$i % 10];
                print $out pack("C*", $i % 10, map { ($_ + byte()) / 2 } @$pattern);
            }
            close($out) or die;
        }' "$@"
}

# train OPTION... - train-sam on that set, small; later options win. `begin=exec train ... &` leaves
# its process's number, not that of a shell, in $!.
train() {
    ${begin-} train-sam --dataset cifar10 --data images --width 2 --batch-size 16 --epochs 2 \
        --val-fraction 0.2 --threads 1 "$@"
}

# without_seconds FILE - a table of epochs without the one column that differs from run to run.
without_seconds() {
    cut -d, -f1-12 "$1"
}

# same_run A B - both left the same: weights, state, best weights, dump if there is one, table.
same_run() {
    local suffix
    for suffix in '' .state .best; do
        cmp "$1$suffix" "$2$suffix" || return
    done
    [ ! -e "$1.dump" ] || cmp "$1.dump" "$2.dump" || return
    diff <(without_seconds "$1.csv") <(without_seconds "$2.csv")
}

# differ A B - the files differ. (A bare ! does not fail a bats test.)
differ() {
    if cmp -s "$1" "$2"; then return 1; fi
}

# outputs NAME - the options that make a run leave what same_run compares.
outputs() {
    echo --checkpoint "$1" --log "$1.csv" --dump "$1.dump"
}

# refused STATUS TEXT COMMAND... - COMMAND exits with STATUS and says TEXT.
# shellcheck disable=SC2154  # run sets status and output
refused() {
    local wanted=$1 text=$2
    shift 2
    run "$@"
    [ "$status" -eq "$wanted" ] && [[ $output == *"$text"* ]] && return
    echo "status $status, wanted $wanted and '$text': $*"
    echo "$output"
    return 1
}
