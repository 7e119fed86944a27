/* vector - the one vector type of the lanes kernels: LANES floats that are added, multiplied and
 * compared together.
 *
 * Everything under lib/nn/lanes/ is compiled once for each instruction set (see the Makefile), with
 *   LANES  floats of a register: 16 for AVX-512, 8 for AVX2, 4 for the portable build;
 *   ISA    the name of the instruction set, which becomes part of every external name.
 * The compiler's vector extension writes the arithmetic; the few operations that it has no good
 * word for are spelled out below. Products and sums are contracted to fused multiply-adds. */
#ifndef SAM_NN_LANES_VECTOR_H
#define SAM_NN_LANES_VECTOR_H

#include <stdint.h>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define SAM_LANES_JOIN2(isa, name) sam_lanes_##isa##_##name
#define SAM_LANES_JOIN(isa, name) SAM_LANES_JOIN2(isa, name)
/* The external name of `name` for this instruction set. */
#define SAM_LANES(name) SAM_LANES_JOIN(ISA, name)

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t veci __attribute__((vector_size(4 * LANES)));
/* A vec that lies in an array of floats. */
typedef vec vec_in_memory __attribute__((may_alias));

ALWAYS_INLINE vec vec_load(const float *p)
{
    return *(const vec_in_memory *)p;
}

ALWAYS_INLINE void vec_store(float *p, vec v)
{
    *(vec_in_memory *)p = v;
}

/* The same from anywhere. */
ALWAYS_INLINE vec vec_load_any(const float *p)
{
    vec v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/* `lanes` numbers from anywhere into the first lanes, zero into the others; nothing behind the
 * numbers is touched. */
ALWAYS_INLINE vec vec_load_first(const float *p, int lanes)
{
#if defined(__AVX512F__)
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << lanes) - 1), p);
#else
    vec v = {0};
    for (int i = 0; i < lanes; i++)
        v[i] = p[i];
    return v;
#endif
}

/* The first `lanes` lanes to anywhere. */
ALWAYS_INLINE void vec_store_first(float *p, vec v, int lanes)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << lanes) - 1), (__m512)v);
#else
    if (lanes == LANES)
        __builtin_memcpy(p, &v, sizeof v);
    else
        for (int i = 0; i < lanes; i++)
            p[i] = v[i];
#endif
}

ALWAYS_INLINE vec vec_all(float value)
{
    return value - (vec){0}; /* the extension broadcasts a scalar operand; x - 0 is x */
}

/* max(0, v), and NaN for NaN (the second operand of the x86 instruction wins). */
ALWAYS_INLINE vec vec_relu(vec v)
{
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps(_mm512_setzero_ps(), (__m512)v);
#elif defined(__AVX2__)
    return (vec)_mm256_max_ps(_mm256_setzero_ps(), (__m256)v);
#else
    return (vec)((veci)v & ~(v < 0));
#endif
}

/* v where gate > 0, else 0. */
ALWAYS_INLINE vec vec_gate(vec gate, vec v)
{
#if defined(__AVX512F__)
    return (vec)_mm512_maskz_mov_ps(
        _mm512_cmp_ps_mask((__m512)gate, _mm512_setzero_ps(), _CMP_GT_OQ), (__m512)v);
#else
    return (vec)((veci)v & (gate > 0));
#endif
}

/* v in the first `lanes` lanes, 0 in the others, whatever stood there. */
ALWAYS_INLINE vec vec_first(vec v, int lanes)
{
    veci index;
    for (int i = 0; i < LANES; i++)
        index[i] = i;
    return (vec)((veci)v & (index < lanes));
}

/* The sum of the lanes, neighbours first, so that additions need not wait for each other. */
ALWAYS_INLINE double vec_sum(vec v)
{
    double sums[LANES];
    for (int i = 0; i < LANES; i++)
        sums[i] = (double)v[i];
    for (int step = 1; step < LANES; step *= 2)
        for (int i = 0; i < LANES; i += 2 * step)
            sums[i] += sums[i + step];
    return sums[0];
}

/* Lane i is lane index[i] of a and b in a row. The compiler has to know `index`. */
ALWAYS_INLINE vec vec_shuffle(vec a, vec b, veci index)
{
#if defined(__clang__)
    vec v;
    for (int i = 0; i < LANES; i++)
        v[i] = index[i] < LANES ? a[index[i]] : b[index[i] - LANES];
    return v;
#else
    return __builtin_shuffle(a, b, index);
#endif
}

/* Transposes the square matrix of LANES rows in place: log2(LANES) rounds, each of which exchanges
 * the off-diagonal blocks of side h (J. O. Eklundh, "A fast computer method for matrix
 * transposing", IEEE Trans. Computers 1972). */
#define VEC_ROUND(h)                                  \
    for (int i = 0; i < LANES; i++) {                 \
        if (i & (h))                                  \
            continue;                                 \
        veci upper, lower;                            \
        for (int l = 0; l < LANES; l++) {             \
            upper[l] = l & (h) ? LANES + l - (h) : l; \
            lower[l] = l & (h) ? LANES + l : l + (h); \
        }                                             \
        const vec a = rows[i], b = rows[i + (h)];     \
        rows[i] = vec_shuffle(a, b, upper);           \
        rows[i + (h)] = vec_shuffle(a, b, lower);     \
    }

ALWAYS_INLINE void vec_transpose(vec rows[LANES])
{
    VEC_ROUND(1)
    VEC_ROUND(2)
#if LANES >= 8
    VEC_ROUND(4)
#endif
#if LANES >= 16
    VEC_ROUND(8)
#endif
}

#endif
