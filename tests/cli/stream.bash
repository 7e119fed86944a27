# shellcheck shell=bash disable=SC2034,SC2154 # what the tests use, what bats sets
# What the tests of streams share: records made byte by byte after the format's description.

# record JSON DATA: 8 bytes of little-endian length, the JSON, DATA with printf's escapes.
record() {
    local shift
    for shift in 0 8 16 24 32 40 48 56; do
        printf '%b' "\\x$(printf '%02x' $((${#1} >> shift & 255)))"
    done
    printf '%s' "$1"
    printf '%b' "$2"
}

# padded JSON: with spaces behind it so that the data begin on a multiple of 64, as our writers do it.
padded() {
    printf '%s%*s' "$1" $(((56 - ${#1} % 64 + 64) % 64)) ''
}

# hex: the bytes of standard input.
hex() {
    od -An -v -tx1 | tr -d ' \n'
}

# pair NAME BEGIN [COUNT [SHAPE]]: the entries of a pair of F32 tensors of COUNT elements, by default
# 2, whose data begin at byte BEGIN. SHAPE is what stands in the brackets, by default COUNT.
pair() {
    local count=${3:-2} shape=${4-${3:-2}}
    printf '"current/%s":{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]},' \
        "$1" "$shape" "$2" $(($2 + 4 * count))
    printf '"perturbed/%s":{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}' \
        "$1" "$shape" $(($2 + 4 * count)) $(($2 + 8 * count))
}

# Numbers in single precision, little-endian.
readonly ONE='\x00\x00\x80\x3f' TWO='\x00\x00\x00\x40' THREE='\x00\x00\x40\x40' \
    FOUR='\x00\x00\x80\x40' ZERO='\x00\x00\x00\x00' \
    NAN='\x00\x00\xc0\x7f' INFINITE='\x00\x00\x80\x7f'

# XXH3-64 of ONE TWO THREE FOUR and of ONE TWO, as libxxhash has them.
readonly SUM=a82f522ec4510db4 SUM_ONE_TWO=4de8d78f7134f4b7

# Two records of one pair (1, 2) / (3, 4); the second with a checksum.
first_record() {
    record "{\"__metadata__\":{\"step\":\"10\",\"epoch\":\"1\"},$(pair x 0)}" \
        "$ONE$TWO$THREE$FOUR"
}
two_records() {
    first_record
    record "{\"__metadata__\":{\"step\":\"20\",\"xxh3\":\"$SUM\"},$(pair x 0)}" \
        "$ONE$TWO$THREE$FOUR"
}

# The message and the status of the last `run`.
assert_refused() {
    [ "$status" -eq "$1" ] || { echo "status $status, wanted $1: $output"; false; }
    [[ $output == *"$2"* ]] || { echo "'$2' is not in: $output"; false; }
}
