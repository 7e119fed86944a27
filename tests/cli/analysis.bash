# shellcheck shell=bash disable=SC2154 # what bats sets; sourced by the tests of the analysis tools
# Records made by Perl's pack() after the format's description.

# gradients META [NAME 'G...' 'GP...']...: a gradient record of one-dimensional F32 tensors. META is
# what stands in the braces of the metadata: '"step":"7"'.
gradients() {
    perl -e '
        my ($meta, $json, $data) = (shift, "", "");
        while (my ($name, @parts) = splice @ARGV, 0, 3) {
            for my $prefix ("current", "perturbed") {
                my @values = split " ", shift @parts;
                my ($count, $begin) = (scalar @values, length $data);
                $data .= pack "f<*", @values;
                my $end = length $data;
                $json .= qq(,"$prefix/$name":{"dtype":"F32","shape":[$count],"data_offsets":[$begin,$end]});
            }
        }
        $json = "{\"__metadata__\":{$meta}$json}";
        print pack("Q<", length $json), $json, $data;' "$@"
}

# classes META [NAME 'K...']...: a class record.
classes() {
    perl -e '
        my ($meta, $json, $data) = (shift, "", "");
        while (my ($name, $values) = splice @ARGV, 0, 2) {
            my @values = split " ", $values;
            my ($count, $begin) = (scalar @values, length $data);
            $data .= pack "C*", @values;
            my $end = length $data;
            $json .= qq(,"class/$name":{"dtype":"U8","shape":[$count],"data_offsets":[$begin,$end]});
        }
        $json = "{\"__metadata__\":{$meta}$json}";
        print pack("Q<", length $json), $json, $data;' "$@"
}

# Two records of the same two tensors; the classes of all parameters, worked out by hand:
#                 conv1.weight: g 1 2 -4 8 1   bn1.weight: g 1 0 -1
#     step 10     gp 2 2 -5 -4 -3              gp 0 5 nan               1 2 1 4 3   2 0 0
#     step 20     gp 0.5 3 -8 16 1             gp -2 1 -1.5             2 1 1 1 2   3 0 1
first() {
    gradients '"step":"10","epoch":"1"' conv1.weight '1 2 -4 8 1' '2 2 -5 -4 -3' \
        bn1.weight '1 0 -1' '0 5 nan'
}
second() {
    gradients '"step":"20","epoch":"2"' conv1.weight '1 2 -4 8 1' '0.5 3 -8 16 1' \
        bn1.weight '1 0 -1' '-2 1 -1.5'
}

# The status and the message of the last `run`, or what it printed in full.
assert_refused() {
    [ "$status" -eq "$1" ] || { echo "status $status, wanted $1: $output"; false; }
    [[ $output == *"$2"* ]] || { echo "'$2' is not in: $output"; false; }
}
assert_printed() {
    [ "$status" -eq 0 ] || { echo "status $status: $output"; false; }
    [ "$output" = "$1" ] || { printf 'printed\n%s\nwanted\n%s\n' "$output" "$1"; false; }
}

# need_numpy: skips a test, saying why, where its oracle is not installed.
need_numpy() {
    /usr/bin/python3 -c 'import numpy' 2>/dev/null ||
        skip "NumPy is not installed (make setup-tests installs it)"
}

# Runs the tool on random streams, against NumPy.
agrees_with_numpy() {
    need_numpy
    /usr/bin/python3 "$SAM_TOP/tests/oracle/analysis_tools.py" "$@"
}
