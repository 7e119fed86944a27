#include "geometry/kernels.h"

#include <string.h>

/* Elements of a block: below 256, so that a block's counts fit a byte, and a multiple of 64. */
enum { BLOCK = 192 };

/* What a loop reads may lie in a mapped file, far away, and the hardware reads ahead no further
 * than to the end of a page. */
enum { LINE = 64, AHEAD = 2048 };

/* Asks for the bytes that are needed some blocks after these. */
static inline __attribute__((always_inline)) void fetch_ahead(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch((const char *)at + AHEAD + i);
}

#define SET portable
#define REGISTER 16
#define TARGET
#include "geometry/kernels_body.h"

#if defined(__x86_64__)

#define SET avx2
#define REGISTER 32
#define TARGET __attribute__((target("avx2,popcnt")))
#include "geometry/kernels_body.h"

/* GCC, unless told, tunes for the processors that slow down with 512-bit vectors. */
#if defined(__clang__)
#define WIDE ""
#else
#define WIDE "prefer-vector-width=512,"
#endif
#define SET avx512
#define REGISTER 64
#define TARGET __attribute__((target(WIDE "avx512f,avx512bw,avx512dq,avx512vl,popcnt")))
#include "geometry/kernels_body.h"

const struct sam_kernels *const *sam_kernels_supported(void)
{
    static const struct sam_kernels *const sets[] = {&kernels_avx512, &kernels_avx2,
                                                     &kernels_portable, NULL};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return sets;
    return __builtin_cpu_supports("avx2") ? sets + 1 : sets + 2;
}

#else

const struct sam_kernels *const *sam_kernels_supported(void)
{
    static const struct sam_kernels *const sets[] = {&kernels_portable, NULL};
    return sets;
}

#endif

const struct sam_kernels *sam_kernels_best(void)
{
    return sam_kernels_supported()[0];
}
