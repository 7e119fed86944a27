#!/usr/bin/env bats
# mean-gradient: means, standard errors and counts against NumPy, and what it refuses.

PYTHON=/usr/bin/python3

setup() {
    PATH=$SAM_BIN:$PATH
    "$PYTHON" -c 'import numpy' 2>/dev/null || skip "NumPy is not installed"
    export PYTHONPATH=$SAM_TOP/tests/oracle PYTHONDONTWRITEBYTECODE=1
    cd "$BATS_TEST_TMPDIR" || exit
    "$PYTHON" "$SAM_TOP/tests/oracle/mean_gradient.py" write stream
}

# The columns that the oracle prints, its numbers to ten digits.
compared() {
    mlr --icsv --ocsv --headerless-csv-output --ofmt %.10g cut -o -f \
tensor,parameters,records,significant,class1,class1_significant,mean_norm,standard_error_norm \
        then put '$mean_norm = fmtnum($mean_norm, "%.10g");
            $standard_error_norm = fmtnum($standard_error_norm, "%.10g")'
}

@test "mean-gradient --by tensor agrees with NumPy, for several critical values" {
    for critical in 0 1.96 2.5 10; do
        mean-gradient --by tensor --critical "$critical" stream | compared >got
        "$PYTHON" "$SAM_TOP/tests/oracle/mean_gradient.py" expect "$critical" >wanted
        diff wanted got
    done
}

@test "mean-gradient gives the same for a file, a pipe and operands cut apart" {
    mean-gradient stream >whole
    mean-gradient <stream | diff whole -
    grad-cat --records 1-4 stream >first
    grad-cat --records 5-9 stream >second
    mean-gradient first second | diff whole -
}

@test "mean-gradient: its rows by kind add up to the row of all" {
    mean-gradient --by kind stream |
        mlr --icsv --onidx stats1 -a sum -f parameters,significant,class1,class1_significant >kinds
    mean-gradient stream |
        mlr --icsv --onidx cut -f parameters,significant,class1,class1_significant >all
    diff all kinds
}

@test "mean-gradient refuses one record, a changed parameter, class records and wrong options" {
    grad-cat --records 1 stream >one
    run mean-gradient one
    [ "$status" -eq 1 ]
    [[ $output == *"number of records 1, wanted 2 or more"* ]]
    grad-cat --records 2 --tensors 'linear.*' stream >other
    run mean-gradient one other
    [ "$status" -eq 1 ]
    [[ $output == *"wanted the 3 of the first"* ]]
    classify-ratio --map map stream >table
    run mean-gradient map
    [ "$status" -eq 1 ]
    for wrong in "--critical -1" "--critical x" "--by color"; do
        # shellcheck disable=SC2086
        run mean-gradient $wrong stream
        [ "$status" -eq 2 ]
    done
}
