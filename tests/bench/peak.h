/* peak - the fused multiply-adds that one thread of this machine can do, measured. */
#ifndef SAM_BENCH_PEAK_H
#define SAM_BENCH_PEAK_H

#include <stdbool.h>

/* GFLOP/s (a multiply-add is two) of one thread, in registers alone, with the widest vectors this
 * machine has, or with those of AVX2. 0 where it is not measured: off x86. */
double peak_measure(bool avx2);

#endif
