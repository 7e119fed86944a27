#!/usr/bin/env bats
# `make data-cifar10` and `data-cifar100`, from a local archive instead of the internet, and the
# datasets as a tool takes them. Oracles: the files that the fixture wrote; md5sum.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    source=$BATS_TEST_TMPDIR/cifar-100-binary
    archive=$BATS_TEST_TMPDIR/archive.tar.gz
    data=$BATS_TEST_TMPDIR/data
    mkdir "$source"
    "$SAM_TOP/tests/fixtures/cifar" 100 100 100 "$source"
    tar -czf "$archive" cifar-100-binary
    md5=$(md5sum <"$archive" | cut -d ' ' -f 1)
}

# The rule as a user calls it, but with the archive of setup().
get() {
    make -s -C "$SAM_TOP" DATA_DIR="$data" CIFAR100_URL="file://$archive" CIFAR100_MD5="$md5" \
        data-cifar100
}

@test "data-cifar100 downloads, checks and unpacks; nothing else is left" {
    run get
    [ "$status" -eq 0 ]
    diff -r "$source" "$data/cifar100"
    [ "$(ls "$data")" = cifar100 ]
}

@test "data-cifar100 does nothing where the folder is there" {
    get
    rm "$archive"
    run get
    [ "$status" -eq 0 ]
    [[ $output != *fetch* ]]
}

@test "an interrupted download goes on where it stopped" {
    mkdir "$data"
    head -c 100000 "$archive" >"$data/cifar100.tar.gz.part"
    # Were it begun anew, the damage in the source would come along.
    printf 'damaged' | dd of="$archive" conv=notrunc status=none
    run get
    [ "$status" -eq 0 ]
    diff -r "$source" "$data/cifar100"
}

@test "a download that ended before it was renamed is not repeated" {
    mkdir "$data"
    mv "$archive" "$data/cifar100.tar.gz.part"
    run get
    [ "$status" -eq 0 ]
    diff -r "$source" "$data/cifar100"
}

@test "a wrong MD5 sum is refused with both sums, and the next try can succeed" {
    cp "$archive" whole
    printf 'damaged' | dd of="$archive" conv=notrunc seek=1000 bs=1 status=none
    run get
    [ "$status" -ne 0 ]
    [[ $output == *"MD5 sum $(md5sum <"$archive" | cut -d ' ' -f 1), wanted $md5"* ]]
    [ -z "$(ls "$data")" ]
    cp whole "$archive"
    run get
    [ "$status" -eq 0 ]
}

@test "a missing source says so and leaves no folder" {
    rm "$archive"
    run get
    [ "$status" -ne 0 ]
    [[ $output == *"file://$archive: the download failed (curl: 37)"* ]]
    [ ! -e "$data/cifar100" ]
}

@test "an archive that cannot be unpacked leaves no folder" {
    echo 'not an archive' >"$archive"
    md5=$(md5sum <"$archive" | cut -d ' ' -f 1)
    run get
    [ "$status" -ne 0 ]
    [[ $output == *"cifar100.tar.gz: cannot be unpacked"* ]]
    [ ! -e "$data/cifar100" ]
}

@test "the published sums are those of the rule" {
    run make -n -C "$SAM_TOP" DATA_DIR="$data" data-cifar10 data-cifar100
    [ "$status" -eq 0 ]
    [[ $output == *"cifar-10-binary.tar.gz' 'c32a1d4ab5d03f1284b67883e8d87530' '$data/cifar10'"* ]]
    [[ $output == *"cifar-100-binary.tar.gz' '03b5dce01913d631647c71ecec9e9cb8' '$data/cifar100'"* ]]
}

@test "fetch without its arguments is wrong usage" {
    run "$SAM_TOP/data/fetch" file:///nowhere
    [ "$status" -eq 2 ]
    [[ $output == "usage: fetch URL MD5 FOLDER" ]]
}

# --- As a tool takes them ---------------------------------------------------------------------

train() {
    "$SAM_BIN/train-sam" --width 1 --epochs 1 --batch-size 50 --optimizer sgd --threads 1 "$@"
}

@test "train-sam trains on CIFAR-10 and on CIFAR-100" {
    train --dataset cifar100 --data "$source" >table
    [ "$(wc -l <table)" -eq 2 ]
    mkdir ten
    "$SAM_TOP/tests/fixtures/cifar" 10 100 10 ten
    train --dataset cifar10 --data ten >table
    [ "$(wc -l <table)" -eq 2 ]
}

@test "a broken file is bad data: status 1, the file and what was wanted" {
    truncate -s 3174 "$source/test.bin"
    run train --dataset cifar100 --data "$source"
    [ "$status" -eq 1 ]
    [ "$output" = "train-sam: $source/test.bin: ends at byte 3174, wanted 3074 bytes from byte 3074 on" ]
}

@test "a missing folder is bad data" {
    run train --dataset cifar10 --data "$BATS_TEST_TMPDIR/nowhere"
    [ "$status" -eq 1 ]
    [ "$output" = "train-sam: $BATS_TEST_TMPDIR/nowhere: cannot be read as a folder: No such file or directory" ]
}

@test "an unknown dataset, and more training images than there are, are wrong usage" {
    run train --dataset imagenet --data "$source"
    [ "$status" -eq 2 ]
    [[ $output == *"'imagenet', wanted one of: fashion-mnist, cifar10, cifar100"* ]]
    run train --dataset cifar100 --data "$source" --train-size 91
    [ "$status" -eq 2 ]
    [[ $output == *"91 training images, wanted at most 90 (100 in the set, 10 of them for validation)"* ]]
}
