/* kernels_body - the loops of kernels.h, once for each instruction set: kernels.c includes this
 * text with SET (a name) and TARGET (the function attribute that selects the instructions).
 *
 * Every loop works on blocks of constant length, and what is left of an array is copied into one
 * padded block: at -O2 GCC vectorises a loop only where its length is known, and the block is also
 * what keeps intermediate results in the nearest cache. */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAMED(name) JOIN(name, SET)
#define QUOTED_(a) #a
#define QUOTED(a) QUOTED_(a)
#define BLOCK_LOOP TARGET static inline __attribute__((always_inline)) void

#define REAL float
#define BITS uint32_t
#define SBITS int32_t
#define SIGN UINT32_C(0x80000000)
#define INFINITE INT32_C(0x7f800000)
#define BELOW below
#define ABOVE above
#include "geometry/kernels_real.h"

#define REAL double
#define BITS uint64_t
#define SBITS int64_t
#define SIGN UINT64_C(0x8000000000000000)
#define INFINITE INT64_C(0x7ff0000000000000)
#define BELOW edges
#define ABOVE edges
#include "geometry/kernels_real.h"

BLOCK_LOOP NAMED(published_block)(const float *restrict current, const float *restrict perturbed,
                                  float eps, uint8_t *restrict classes)
{
    for (int i = 0; i < BLOCK; i++) {
        const float r = perturbed[i] / (current[i] + eps);
        const int32_t above = r > 1, within = (r > 0) & (r < 1);
        const int32_t below = r < -1, turned = (r < 0) & (r > -1);
        classes[i] = (uint8_t)(above + 2 * within + 3 * below + 4 * turned);
    }
}

TARGET static void NAMED(classify_published)(const float *current, const float *perturbed, size_t n,
                                             float eps, uint8_t *classes)
{
    const size_t left = n % BLOCK, whole = n - left;
    for (size_t i = 0; i < whole; i += BLOCK)
        NAMED(published_block)(current + i, perturbed + i, eps, classes + i);
    if (left) {
        float g[BLOCK] = {0}, gp[BLOCK] = {0};
        uint8_t found[BLOCK];
        memcpy(g, current + whole, left * sizeof *g);
        memcpy(gp, perturbed + whole, left * sizeof *gp);
        NAMED(published_block)(g, gp, eps, found);
        memcpy(classes + whole, found, left);
    }
}

BLOCK_LOOP NAMED(count_block)(const uint8_t *restrict classes, uint64_t *restrict counts)
{
    uint8_t zero = 0, one = 0, two = 0, three = 0, four = 0;
    for (int i = 0; i < BLOCK; i++) {
        zero += classes[i] == 0;
        one += classes[i] == 1;
        two += classes[i] == 2;
        three += classes[i] == 3;
        four += classes[i] == 4;
    }
    counts[0] += zero;
    counts[1] += one;
    counts[2] += two;
    counts[3] += three;
    counts[4] += four;
}

TARGET static void NAMED(count_classes)(const uint8_t *classes, size_t n,
                                        uint64_t counts[SAM_RATIO_CLASSES])
{
    const size_t whole = n - n % BLOCK;
    for (size_t i = 0; i < whole; i += BLOCK)
        NAMED(count_block)(classes + i, counts);
    for (size_t i = whole; i < n; i++)
        if (classes[i] < SAM_RATIO_CLASSES)
            counts[classes[i]]++;
}

/* What is above the range and whether anything is inside is found in vector code; few of the
 * scanned pieces, once the range is narrow, have something for the bins. */
BLOCK_LOOP NAMED(scan_range)(const float *restrict values, int32_t low, int32_t last, int shift,
                             uint64_t *restrict above, uint64_t *restrict bins)
{
    int32_t keys[SCAN], found[SCAN], beyond = 0, inside = 0;
    memcpy(keys, values, sizeof keys);
    for (int i = 0; i < SCAN; i++) {
        keys[i] &= INT32_MAX;
        beyond += keys[i] > last;
        inside += (keys[i] >= low) & (keys[i] <= last);
    }
    *above += (uint64_t)beyond;
    if (!inside)
        return;
    int count = 0;
    for (int i = 0; i < SCAN; i++) {
        found[count] = keys[i]; /* without a branch that could not be foreseen */
        count += (keys[i] >= low) & (keys[i] <= last);
    }
    for (int i = 0; i < count; i++)
        bins[(found[i] - low) >> shift]++;
}

TARGET static uint64_t NAMED(count_range)(const float *values, size_t n, uint32_t low,
                                          uint32_t high, int shift, uint64_t *bins)
{
    const size_t left = n % SCAN, whole = n - left;
    const int32_t first = (int32_t)low, last = (int32_t)(high - 1);
    uint64_t above = 0;
    for (size_t i = 0; i < whole; i += SCAN)
        NAMED(scan_range)(values + i, first, last, shift, &above, bins);
    for (size_t i = whole; i < n; i++) {
        int32_t key;
        memcpy(&key, values + i, sizeof key);
        key &= INT32_MAX;
        above += key > last;
        if (key >= first && key <= last)
            bins[(key - first) >> shift]++;
    }
    return above;
}

TARGET static uint64_t NAMED(count_common)(const uint64_t *a, const uint64_t *b, size_t words)
{
    uint64_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (uint64_t)__builtin_popcountll(a[i] & b[i]);
    return count;
}

static const struct sam_kernels NAMED(kernels) = {
    .name = QUOTED(SET),
    .classify_float = NAMED(classify_float),
    .classify_double = NAMED(classify_double),
    .classify_published = NAMED(classify_published),
    .count_classes = NAMED(count_classes),
    .count_buckets_float = NAMED(count_buckets_float),
    .count_buckets_double = NAMED(count_buckets_double),
    .count_range = NAMED(count_range),
    .keep_above_float = NAMED(keep_above_float),
    .keep_above_double = NAMED(keep_above_double),
    .count_common = NAMED(count_common),
};

#undef JOIN_
#undef JOIN
#undef NAMED
#undef QUOTED_
#undef QUOTED
#undef BLOCK_LOOP
#undef SET
#undef TARGET
