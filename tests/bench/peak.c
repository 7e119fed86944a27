#include "peak.h"

#include "nn/timing.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { CHAINS = 12, STEPS = 1 << 18, ROUNDS = 20 };

/* Chains of dependent multiply-adds, enough of them to hide the latency of one. What they end in is
 * returned, so that no compiler drops them. */
#define CHAINS_OF(name, isa, type, set, fma, first)                              \
    __attribute__((target(isa))) static float name(void)                         \
    {                                                                            \
        type chain[CHAINS];                                                      \
        const type factor = set(0.999f), term = set(1e-3f);                      \
        for (int i = 0; i < CHAINS; i++)                                         \
            chain[i] = set((float)i);                                            \
        for (int step = 0; step < STEPS; step++)                                 \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) chain[i] = \
                fma(chain[i], factor, term);                                     \
        float sum = 0;                                                           \
        for (int i = 0; i < CHAINS; i++)                                         \
            sum += first(chain[i]);                                              \
        return sum;                                                              \
    }
CHAINS_OF(chains_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_cvtss_f32)
CHAINS_OF(chains_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32)

double peak_measure(bool avx2)
{
    const bool wide = !avx2 && __builtin_cpu_supports("avx512f");
    if (!wide && !__builtin_cpu_supports("fma"))
        return 0;
    double best = 0;
    volatile float keep;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = sam_timing_now();
        keep = wide ? chains_avx512() : chains_avx2();
        const double seconds = sam_timing_now() - start;
        const double gflops = 1e-9 * 2 * (wide ? 16 : 8) * CHAINS * STEPS / seconds;
        best = gflops > best ? gflops : best;
    }
    (void)keep;
    return best;
}

#else

double peak_measure(bool avx2)
{
    (void)avx2;
    return 0;
}

#endif
