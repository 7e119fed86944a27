/* kernels_body - the loops of kernels.h, once for each instruction set: kernels.c includes this
 * text with SET (a name), REGISTER (the bytes of one) and TARGET (the function attribute that
 * selects the instructions).
 *
 * But for that which counts, every loop works on blocks of constant length, and what is left of an
 * array is copied into one padded block: at -O2 GCC vectorises a loop only where its length is
 * known, and the block is also what keeps intermediate results in the nearest cache. */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAMED(name) JOIN(name, SET)
#define QUOTED_(a) #a
#define QUOTED(a) QUOTED_(a)
#define INLINE TARGET static inline __attribute__((always_inline))
#define BLOCK_LOOP INLINE void

#define REAL float
#define BITS uint32_t
#define SBITS int32_t
#define SIGN UINT32_C(0x80000000)
#define INFINITE INT32_C(0x7f800000)
#define EDGES rounded
#define ROUNDED true
#define LAST_BITS UINT32_C(0xffff)
#include "geometry/kernels_real.h"

#define REAL double
#define BITS uint64_t
#define SBITS int64_t
#define SIGN UINT64_C(0x8000000000000000)
#define INFINITE INT64_C(0x7ff0000000000000)
#define EDGES edges
#define ROUNDED false
#define LAST_BITS UINT64_C(0)
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

typedef uint8_t NAMED(bytes) __attribute__((vector_size(REGISTER)));

INLINE uint64_t NAMED(sum_of_bytes)(NAMED(bytes) numbers)
{
    uint64_t sum = 0;
    for (int i = 0; i < REGISTER; i++)
        sum += numbers[i];
    return sum;
}

/* The bytes that are each class, where `mask` is set: every byte of a register counts for itself. A
 * condition is all bits, which is -1, or none. */
INLINE void NAMED(count_register)(NAMED(bytes) classes, NAMED(bytes) mask,
                                  NAMED(bytes) found[SAM_RATIO_CLASSES])
{
#pragma GCC unroll 5
    for (int class = 0; class < SAM_RATIO_CLASSES; class ++)
        found[class] -= mask & (NAMED(bytes))(classes == (uint8_t) class);
}

INLINE void NAMED(add_counts)(const NAMED(bytes) found[SAM_RATIO_CLASSES],
                              uint64_t counts[SAM_RATIO_CLASSES])
{
#pragma GCC unroll 5
    for (int class = 0; class < SAM_RATIO_CLASSES; class ++)
        counts[class] += NAMED(sum_of_bytes)(found[class]);
}

/* Of `rounds` <= UINT8_MAX registers. */
INLINE void NAMED(count_rounds)(const uint8_t *classes, size_t rounds, uint64_t *counts)
{
    NAMED(bytes) found[SAM_RATIO_CLASSES] = {{0}};
    for (size_t i = 0; i < rounds; i++) {
        NAMED(bytes) is;
        memcpy(&is, classes + i * REGISTER, REGISTER);
        NAMED(count_register)(is, ~(NAMED(bytes)){0}, found);
    }
    NAMED(add_counts)(found, counts);
}

TARGET static void NAMED(count_classes)(const uint8_t *classes, size_t n,
                                        uint64_t counts[SAM_RATIO_CLASSES])
{
    size_t i = 0;
    while (n - i >= REGISTER) {
        const size_t left = (n - i) / REGISTER, rounds = left < UINT8_MAX ? left : UINT8_MAX;
        NAMED(count_rounds)(classes + i, rounds, counts);
        i += rounds * REGISTER;
    }
    for (; i < n; i++)
        if (classes[i] < SAM_RATIO_CLASSES)
            counts[classes[i]]++;
}

/* Likewise, of those that were in class `from`. */
INLINE void NAMED(transition_rounds)(const uint8_t *before, const uint8_t *after, size_t rounds,
                                     uint8_t from, uint64_t *counts)
{
    NAMED(bytes) found[SAM_RATIO_CLASSES] = {{0}};
    for (size_t i = 0; i < rounds; i++) {
        NAMED(bytes) was, is;
        memcpy(&was, before + i * REGISTER, REGISTER);
        memcpy(&is, after + i * REGISTER, REGISTER);
        NAMED(count_register)(is, (NAMED(bytes))(was == from), found);
    }
    NAMED(add_counts)(found, counts);
}

/* Few enough rounds that what all of them read stays in the nearest cache from class to class. */
TARGET static void NAMED(count_transitions)(const uint8_t *before, const uint8_t *after, size_t n,
                                            struct sam_transitions *transitions)
{
    enum { ROUNDS = 128 };
    uint64_t(*counts)[SAM_RATIO_CLASSES] = transitions->counts;
    size_t i = 0;
    while (n - i >= REGISTER) {
        const size_t left = (n - i) / REGISTER, rounds = left < ROUNDS ? left : ROUNDS;
        for (uint8_t from = 0; from < SAM_RATIO_CLASSES; from++)
            NAMED(transition_rounds)(before + i, after + i, rounds, from, counts[from]);
        i += rounds * REGISTER;
    }
    for (; i < n; i++)
        counts[before[i]][after[i]]++;
}

/* What is above the range, and flags for what is inside, are found in vector code. Once the range
 * is narrow few of the flags, looked at eight at a time, are set. */
BLOCK_LOOP NAMED(range_block)(const struct sam_threshold_range *restrict range,
                              const float *restrict values, const uint8_t *restrict classes,
                              struct sam_threshold_found *restrict found)
{
    const int32_t low = (int32_t)range->low, last = (int32_t)(range->high - 1);
    const uint8_t ratio_class = range->ratio_class;
    int32_t keys[BLOCK], places[BLOCK]; /* 0 below the range, 1 inside, 2 above */
    uint8_t inside[BLOCK], above = 0, members_above = 0;
    for (int i = 0; i < BLOCK; i++) {
        memcpy(&keys[i], values + i, sizeof keys[i]);
        keys[i] &= INT32_MAX;
        places[i] = (int32_t)(keys[i] >= low) + (int32_t)(keys[i] > last);
    }
    for (int i = 0; i < BLOCK; i++)
        inside[i] = (uint8_t)places[i];
    for (int i = 0; i < BLOCK; i++) {
        above += inside[i] == 2;
        members_above += (inside[i] == 2) & (classes[i] == ratio_class);
        inside[i] &= 1;
    }
    found->above[0] += (uint64_t)(above - members_above);
    found->above[1] += (uint64_t)members_above;
    for (int i = 0; i < BLOCK; i += 8) {
        uint64_t flags; /* a byte each */
        memcpy(&flags, inside + i, sizeof flags);
        for (; flags; flags &= flags - 1) {
            const int at = i + __builtin_ctzll(flags) / 8;
            found->keys[found->inside++] = 2 * (uint64_t)keys[at] + (classes[at] == ratio_class);
        }
    }
}

TARGET static void NAMED(find_range)(const struct sam_threshold_range *range, const float *values,
                                     const uint8_t *classes, size_t n,
                                     struct sam_threshold_found *found)
{
    const size_t left = n % BLOCK, whole = n - left;
    for (size_t i = 0; i < whole; i += BLOCK)
        NAMED(range_block)(range, values + i, classes + i, found);
    for (size_t i = whole; i < n; i++) {
        uint32_t key;
        memcpy(&key, values + i, sizeof key);
        sam_kernels_look_at(range, key & INT32_MAX, classes[i], found);
    }
}

/* Bit i of byte j of a group's set is parameter 64 i + j: an order that needs no bit to move
 * between bytes. */
BLOCK_LOOP NAMED(pack_group)(const uint8_t *restrict classes, uint8_t ratio_class,
                             uint64_t *restrict set)
{
    uint8_t bytes[64] = {0};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 64; j++)
            bytes[j] |= (uint8_t)((classes[64 * i + j] == ratio_class) << i);
    memcpy(set, bytes, sizeof bytes);
}

TARGET static void NAMED(pack_class)(const uint8_t *classes, size_t n, uint8_t ratio_class,
                                     uint64_t *set)
{
    const size_t left = n % SAM_OVERLAP_GROUP, whole = n - left;
    for (size_t i = 0; i < whole; i += SAM_OVERLAP_GROUP)
        NAMED(pack_group)(classes + i, ratio_class, set + i / 64);
    if (left) {
        uint8_t padded[SAM_OVERLAP_GROUP];
        memset(padded, UINT8_MAX, sizeof padded);
        memcpy(padded, classes + whole, left);
        NAMED(pack_group)(padded, ratio_class, set + whole / 64);
    }
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
    .count_transitions = NAMED(count_transitions),
    .count_buckets_float = NAMED(count_buckets_float),
    .count_buckets_double = NAMED(count_buckets_double),
    .find_range = NAMED(find_range),
    .pack_class = NAMED(pack_class),
    .count_common = NAMED(count_common),
};

#undef JOIN_
#undef JOIN
#undef NAMED
#undef QUOTED_
#undef QUOTED
#undef BLOCK_LOOP
#undef INLINE
#undef SET
#undef REGISTER
#undef TARGET
