# Functions of the scripts that measure the engine. run_engine wants $engine, the program of
# tests/bench/engine.c, and $width, $batch, $threads and $seconds of the case at hand.

export LC_ALL=C # numbers have a point

# run_engine KERNELS : images per second, GFLOP/s, share of the peak, resident MB
run_engine() {
    "$engine" "$1" "$width" "$batch" "$threads" "$seconds" | sed 's/^"[^"]*",//'
}

# middle N : the median of column N of a table on standard input
middle() {
    sort -k"$1,$1" -g | awk -v n="$1" '{ value[NR] = $n } END { print value[int((NR + 1) / 2)] }'
}

# show_table FILE : the table on standard input, written to FILE and shown in columns, each row as
# it comes: there are minutes between two
show_table() {
    local row cells header=() cell i
    while read -r row; do
        echo "$row" >&3
        IFS=, read -ra cells <<< "$row"
        [ "${#header[@]}" -gt 0 ] || header=("${cells[@]}")
        for i in "${!cells[@]}"; do
            cell=${cells[i]}
            [[ $cell != *.* ]] || printf -v cell %.4g "$cell"
            printf "%*s  " "${#header[i]}" "$cell"
        done
        echo
    done 3> "$1"
}
