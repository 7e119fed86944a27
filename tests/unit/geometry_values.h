/* Gradients that are hard on the rules of lib/geometry, for its tests: every class of bit patterns
 * (both zeros, subnormals, the ends of the normal range, infinities, NaN with and without a sign),
 * neighbours of each other, equal magnitudes, and random bits. */
#ifndef SAM_TESTS_GEOMETRY_VALUES_H
#define SAM_TESTS_GEOMETRY_VALUES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/rng.h"

static const uint32_t hard_bits[] = {
    0x00000000, 0x00000001, 0x00000002, 0x007fffff, 0x00800000, 0x00800001, 0x3f7fffff, 0x3f800000,
    0x3f800001, 0x3f99999a, 0x3f999999, 0x3fc00000, 0x40000000, 0x40000001, 0x40800000, 0x41000000,
    0x41800000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff,
};
enum { HARD = sizeof hard_bits / sizeof *hard_bits };

static inline float hard_float(size_t i)
{
    const uint32_t bits = hard_bits[i / 2 % HARD] | (i % 2 ? 0x80000000u : 0);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The same list in double precision: exponents and fractions at the ends of that range. */
static inline double hard_double(size_t i)
{
    const uint32_t narrow = hard_bits[i / 2 % HARD];
    uint64_t bits = (uint64_t)(narrow >> 23) << 52 | (narrow & 0x7fffff);
    if (narrow >> 23 == 0xff)
        bits |= UINT64_C(0x7ff) << 52;
    else if ((narrow & 0x7fffff) >= 0x7ffffe)
        bits |= UINT64_C(0xfffffffffffff);
    if (narrow >= 0x7f000000 && narrow < 0x7f800000)
        bits |= UINT64_C(0x7fe) << 52;
    bits |= (uint64_t)(i % 2) << 63;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* All pairs of hard values. */
enum { HARD_PAIRS = 4 * HARD * HARD };

/* A gradient of the usual kind: Gaussian-like around zero, of many magnitudes. */
static inline float usual_float(struct sam_rng *rng)
{
    const float scale = ldexpf(1, (int)sam_rng_below(rng, 24) - 20);
    return scale *
           (sam_rng_float(rng) + sam_rng_float(rng) - sam_rng_float(rng) - sam_rng_float(rng));
}

/* One parameter's two gradients: of every three, one pair of random bits, one of equal magnitude or
 * near it, one of the usual kind. */
static inline void random_pair(struct sam_rng *rng, float *current, float *perturbed)
{
    uint32_t bits[2] = {sam_rng_u32(rng), sam_rng_u32(rng)};
    const uint32_t kind = sam_rng_below(rng, 3);
    memcpy(current, &bits[0], sizeof *current);
    memcpy(perturbed, &bits[1], sizeof *perturbed);
    if (kind == 1) {
        bits[1] = (bits[0] + sam_rng_below(rng, 3) - 1) ^ (bits[1] & 0x80000000u);
        memcpy(perturbed, &bits[1], sizeof *perturbed);
    } else if (kind == 2) {
        *current = usual_float(rng);
        *perturbed = *current * (1 + 2 * usual_float(rng));
    }
}

#endif
