#!/usr/bin/env bats
# Oracles: sorting by hand and by sort(1); NumPy on random streams.
bats_require_minimum_version 1.5.0
load analysis

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    PATH=$SAM_BIN:$PATH
    # class 1: g = 8 -5 1 (gp 9 -7 4); others g = 7 4 3 2 -0.5 (gp 1 1 1 -6 0.1)
    gradients '"step":"7"' x '7 8 4 -5 3 2 1 -0.5' '1 9 1 -7 1 -6 4 0.1' >stream
}

@test "flat-threshold: by hand" {
    # |g| in decreasing order 8 7 5 4 3 2 1 0.5, k = 3: the threshold is 4; 8 and 5 are above.
    run flat-threshold --percent stream
    assert_printed "step,epoch,parameters,class_size,threshold,above,percent,chance_percent,lift
7,,8,37.5,4,25,66.66666666666667,37.5,1.777777777777778"
    # |gp|: 9 7 6 4 1 1 1 0.1, threshold 4; 9 and 7 are above.
    run flat-threshold --magnitude perturbed stream
    [ "${lines[1]}" = 7,,8,3,4,2,66.66666666666667,37.5,1.777777777777778 ]
    # Class 3: 2 alone, k = 1, threshold 7.
    run flat-threshold --class 3 stream
    [ "${lines[1]}" = 7,,8,1,7,0,0,12.5,0 ]
}

@test "flat-threshold: an empty class, a full one, an empty tensor" {
    gradients '' x '1 -2 0.5' '2 -3 1' empty '' '' >full
    run flat-threshold --by tensor --class 1 full
    assert_printed "step,epoch,tensor,parameters,class_size,threshold,above,percent,chance_percent,lift
1,,x,3,3,0.5,2,66.66666666666667,100,0.6666666666666667
1,,empty,0,0,nan,0,nan,nan,nan"
    run flat-threshold --class 2 full
    [ "${lines[1]}" = 1,,3,0,2,0,nan,0,nan ]
}

@test "flat-threshold: undefined parameters count among the magnitudes" {
    gradients '' x 'nan inf 3 1 2' '1 1 6 0 1' >undefined
    run flat-threshold undefined
    [ "${lines[1]}" = 1,,5,1,inf,0,0,20,0 ]
    run flat-threshold --class 2 undefined
    [ "${lines[1]}" = 1,,5,2,3,0,0,40,0 ]
}

@test "flat-threshold: a larger tensor, against sort(1); a file and a pipe give the same" {
    perl -e 'srand 5; print join " ", map { sprintf "%.3g", rand() ** 4 - 0.3 } 1 .. 70000' >g
    perl -e 'srand 6; print join " ", map { sprintf "%.3g", rand() ** 4 - 0.3 } 1 .. 70000' >gp
    perl -e 'my @parts = map { open my $f, "<", $_; local $/; [split " ", <$f>] } "g", "gp";
        my $json = q({"current/x":{"dtype":"F32","shape":[70000],"data_offsets":[0,280000]},) .
            q("perturbed/x":{"dtype":"F32","shape":[70000],"data_offsets":[280000,560000]}});
        print pack("Q<", length $json), $json, map { pack "f<*", @$_ } @parts' >large
    paste <(tr ' ' '\n' <g) <(tr ' ' '\n' <gp) |
        awk '{ a = $1 < 0 ? -$1 : $1; b = $2 < 0 ? -$2 : $2; print a, ($1 * $2 > 0 && b > a) }' >rows
    k=$(awk '{ k += $2 } END { print k }' rows)
    threshold=$(sort -grk 1,1 rows | awk -v k="$k" 'NR == k + 1 { print $1 }')
    above=$(awk -v t="$threshold" '$2 && $1 > t' rows | wc -l)
    flat-threshold large | awk -F , -v k="$k" -v t="$threshold" -v above="$above" 'END {
        exit !($4 == k && $6 == above && (s = $5 - t) * s < 1e-14) }'
    flat-threshold --null large >file
    grad-cat large | flat-threshold --null | diff file -
}

@test "flat-threshold reads a large tensor no more often because there is a small one" {
    [[ $SAM_BIN != */sanitize-* ]] || skip "a sanitizer must be the first library"
    gcc -shared -fPIC -O -o count.so "$SAM_TOP/tests/preload/count_reads.c"
    perl -e 'for my $tensor (["large", 300000], ["small", 3]) {
            for my $side ("current", "perturbed") {
                my ($name, $count) = @$tensor;
                my $begin = length $data;
                $data .= pack "f<*", map { rand } 1 .. $count;
                $json .= sprintf qq(%s"%s/%s":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}),
                    $json && ",", $side, $name, $count, $begin, length $data;
            }
        }
        print pack("Q<", 2 + length $json), "{$json}", $data' >both
    bytes=$(LD_PRELOAD=./count.so flat-threshold --by tensor both 2>&1 >table)
    [ "$(wc -l <table)" -eq 3 ]
    [ "$bytes" -ge $((2 * 8 * 300000)) ]
    [ "$bytes" -lt $((4 * 8 * 300000)) ]
}

# Two tensors, class 1, |g|. x: all four agree or not as the scale says: 2 of 4 agree, 3 above;
# y: 1 of 2 agrees, 0 above. Dealt anew: (2/4 * 3 + 1/2 * 0)/(2/4 * 4 + 1/2 * 2) = 50 %.
@test "flat-threshold --null: signs dealt anew within each tensor" {
    gradients '' x '8 7 -6 1' '9 6 -7 0.5' y '2 -0.5' '3 -0.25' >two
    run bash -c 'flat-threshold --null two | cut -d, -f 4-6,10,13'
    [ "${lines[0]}" = class_size,threshold,above,relative_threshold,permuted_percent ]
    # rms: sqrt((64 + 49 + 36 + 1 + 4 + 0.25)/6) = 5.070; the threshold is element 3, 2
    [[ ${lines[1]} == 3,2,2,0.394*,50 ]]
}

@test "flat-threshold: wrong options and class records" {
    run flat-threshold --class 9 stream
    assert_refused 2 "flat-threshold: --class: '9'"
    run flat-threshold --magnitude both stream
    assert_refused 2 "flat-threshold: --magnitude: 'both', wanted current or perturbed"
    classes '' x '1 2' >map
    run flat-threshold map
    assert_refused 1 'map: record 1 at byte 0: a class record, wanted gradients'
}

@test "flat-threshold agrees with NumPy on random streams" {
    agrees_with_numpy flat-threshold 60
}
