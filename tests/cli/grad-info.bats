#!/usr/bin/env bats
# grad-info. Oracles: numbers worked out by hand; NumPy; PyTorch.
bats_require_minimum_version 1.5.0
load stream

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
}

# column NAME: that column of the table on standard input, without its header.
column() {
    mlr --icsv --onidx cut -f "$1"
}

@test "a row a record: norms, cosine, place, checksum, metadata" {
    two_records >two
    grad-info two >table
    # g = (1, 2), gp = (3, 4): norms sqrt(5), 5, sqrt(8); cosine 11 / (5 sqrt(5)).
    for row in 1 2; do
        awk -F , -v row=$row 'function near(x, y) { return (x - y)^2 < 1e-30 }
            NR == row + 1 { exit !($3 == 2 && near($4, sqrt(5)) && $5 == 5 && near($6, sqrt(8)) &&
                                   near($7, 11 / (5 * sqrt(5))) && $8 == 0 && $9 == 0) }' table
    done
    [ "$(column step <table | paste -sd ,)" = 10,20 ]
    [ "$(column epoch <table | head -n 1)" = 1 ]
    [ "$(column record <table | paste -sd ,)" = 1,2 ]
    [ "$(column offset <table | paste -sd ,)" = "0,$(first_record | wc -c)" ]
    [ "$(column bytes <table | paste -sd ,)" = 16,16 ]
    [ "$(column checksum <table | paste -sd ,)" = none,verified ]
    [ "$(column metadata <table | head -n 1)" = '{"step":"10","epoch":"1"}' ]
}

@test "a row a tensor and a row a kind" {
    record "{$(pair a.weight 0 1 1,1,1,1),$(pair b.weight 8 2 2,1),$(pair b.bias 24 1),$(pair c 32 1 '')}" \
        "$ONE$TWO$ONE$TWO$THREE$FOUR$ONE$ZERO$TWO$ONE" >stream
    grad-info --by tensor stream >table
    [ "$(column tensor <table | paste -sd ,)" = a.weight,b.weight,b.bias,c ]
    [ "$(column parameters <table | paste -sd ,)" = 1,2,1,1 ]
    [ "$(column shape <table | paste -sd ,)" = 1x1x1x1,2x1,1,scalar ]
    [ "$(column perturbed_gradient_norm <table | paste -sd ,)" = 2,5,0,1 ]
    [ "$(column cosine <table | sed -n 3p)" = nan ]
    grad-info --by kind stream >table
    [ "$(column kind <table | paste -sd ,)" = conv,linear-weight,linear-bias,other ]
    grad-info --tensors '[ac]*' --tensors b.bias stream >table
    [ "$(column tensors <table)" = 3 ]
    [ "$(column parameters <table)" = 3 ]
    run grad-info --tensors d stream
    assert_refused 1 "no parameter, of 4, matches --tensors 'd'"
}

@test "class records: counted, with no norms" {
    record '{"class/x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}' '\x01\x02\x00' >classes
    [ "$(grad-info classes | tail -n 1)" = '1,,3,,,,,,,1,U8,,1,0,3,none,' ]
}

@test "operands are read one after the other, - is standard input" {
    two_records >two
    first_record | grad-info two - two >table
    [ "$(column record <table | paste -sd ,)" = 1,2,3,4,5 ]
    [ "$(column step <table | paste -sd ,)" = 10,20,10,10,20 ]
}

@test "wrong usage" {
    run grad-info --by layer
    assert_refused 2 "--by: 'layer', wanted record, tensor or kind"
    run grad-info --percent
    assert_refused 2 percent
}

@test "values that are not finite are counted, of g and gp together" {
    record "{$(pair x 0 3)}" "$NAN$INFINITE$ONE$ONE$NAN$ONE" >stream
    grad-info stream >table
    [ "$(column nan <table)" = 2 ]
    [ "$(column infinite <table)" = 1 ]
    [ "$(column gradient_norm <table)" = nan ]
    record "{$(pair x 0 1)}" "$ONE$INFINITE" >stream
    [ "$(grad-info stream | column perturbed_gradient_norm)" = inf ]
}

@test "NumPy computes the same, for every dtype and layout" {
    [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import numpy' || skip 'NumPy is not installed'
    /usr/bin/python3 "$SAM_TOP/tests/oracle/stream_numpy.py" info "$SAM_BIN"
}

@test "PyTorch: the example of the man page writes records that are read as they were" {
    [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import torch' || skip 'PyTorch is not installed'
    /usr/bin/python3 "$SAM_TOP/tests/oracle/stream_torch.py" "$SAM_BIN"
}

@test "the man page shows the example that is tested" {
    sed -n '/^import ctypes/,/^\.Ed/{/^\.Ed/d;s/\\e/\\/g;p}' "$SAM_TOP/tools/gradient-stream.7" |
        diff - "$SAM_TOP/tests/oracle/torch_dump.py"
}
