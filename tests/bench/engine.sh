#!/usr/bin/env bash
# engine.sh - the engine beside PyTorch: one table, and the same as CSV in FILE.
#
#   engine.sh ENGINE FILE
#
# ENGINE is the program of tests/bench/engine.c. Every case is run BENCH_ROUNDS times, ours and
# theirs in turn, since other work on the machine slows whoever is running: of speeds the best of each
# counts, of ratios (to PyTorch tuned) the median of the rounds'.
# PyTorch is run tuned (memory kept by the process instead of given back after each step: page faults
# are what it loses most time to) and as installed. Where it is missing its columns stay empty.
set -euo pipefail

engine=$1 file=$2
rounds=${BENCH_ROUNDS:-3} seconds=${BENCH_SECONDS:-2}
widths=${BENCH_WIDTHS:-8 16 64} batches=${BENCH_BATCHES:-128 256}
threads_list=${BENCH_THREADS:-1 2}
kernels_list=${BENCH_KERNELS:-auto avx2}
python=${PYTHON:-/usr/bin/python3}
here=$(dirname "$0")
# shellcheck source-path=SCRIPTDIR
source "$here/common.bash"

"$python" -c 'import torch' 2>/dev/null ||
    { echo "engine.sh: PyTorch is not installed (make setup-torch): left out" >&2; python=; }

tuned=(MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000 MALLOC_TOP_PAD_=268435456)

# torch KERNELS VARIABLES... : images per second, resident MB
torch() {
    local limit=()
    if [ "$1" = avx2 ]; then limit=(DNNL_MAX_CPU_ISA=AVX2 ONEDNN_MAX_CPU_ISA=AVX2); fi
    [ -z "$python" ] || env "${limit[@]}" "${@:2}" "$python" "$here/engine_torch.py" \
        "$width" "$batch" "$threads" "$seconds"
}

# The row with the largest number in column $1.
best() { sort -t, -k"$1,$1" -g | tail -n 1; }

# The ratio of each round.
ratios() { paste -d, "$ours" "$theirs" | awk -F, '$5 { print $1 / $5 }'; }

measure() {
    local ours theirs plain
    ours=$(mktemp) theirs=$(mktemp) plain=$(mktemp)
    for ((round = 0; round < rounds; round++)); do
        run_engine "$kernels" >> "$ours"
        torch "$kernels" "${tuned[@]}" >> "$theirs"
        torch "$kernels" >> "$plain"
    done
    paste -d, <(echo "$kernels,$width,$batch,$threads") <(best 1 < "$ours") \
        <(best 1 < "$theirs") <(best 1 < "$plain") <(ratios | middle 1) | awk -F, -v OFS=, '{
            print $1, $2, $3, $4, $5, $9, $11, $13, $9 ? $5 / $9 : "", $11 ? $5 / $11 : "",
                  $6, $7, $8, $10 }'
    rm -f "$ours" "$theirs" "$plain"
}

mkdir -p "$(dirname "$file")"
{
    echo "kernels,width,batch,threads,images_per_second,torch_tuned,torch_installed,ratio_median,\
ratio_best,ratio_installed,gflops,peak_share,resident_mb,torch_resident_mb"
    for kernels in $kernels_list; do
        for width in $widths; do
            for batch in $batches; do
                for threads in $threads_list; do
                    measure
                done
            done
        done
    done
} | show_table "$file.new"
mv "$file.new" "$file"
