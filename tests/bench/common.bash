# Functions of the scripts that measure the engine. They want $engine, the program of
# tests/bench/engine.c, and $width, $batch, $threads and $seconds of the case at hand.

# run_engine KERNELS : images per second, GFLOP/s, share of the peak, resident MB
run_engine() {
    "$engine" "$1" "$width" "$batch" "$threads" "$seconds" | sed 's/^"[^"]*",//'
}

# middle N : the median of column N of a table on standard input
middle() {
    sort -k"$1,$1" -g | awk -v n="$1" '{ value[NR] = $n } END { print value[int((NR + 1) / 2)] }'
}
