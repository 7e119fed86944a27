#include "geometry/overlap.h"

#include <string.h>

#include "geometry/kernels.h"

size_t sam_overlap_words(uint64_t n)
{
    return (size_t)(n / 64 + (n % 64 != 0));
}

/* The bits of eight classes, bytes of a word, that are equal to the byte repeated in `wanted`. Both
 * are below 128, so adding 127 to their difference by XOR sets a byte's top bit unless they are
 * equal; the product then gathers the eight bits in the top byte. */
static uint64_t equal_bits(uint64_t classes, uint64_t wanted)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t different = ((classes ^ wanted) + 0x7f * ones) >> 7 & ones;
    return (different ^ ones) * UINT64_C(0x0102040810204080) >> 56;
}

/* The bits of 64 classes. */
static uint64_t pack_word(const uint8_t classes[64], uint64_t wanted)
{
    uint64_t word = 0;
    for (int i = 0; i < 64; i += 8) {
        uint64_t eight;
        memcpy(&eight, classes + i, sizeof eight);
        word |= equal_bits(eight, wanted) << i;
    }
    return word;
}

void sam_overlap_pack(const uint8_t *classes, size_t count, int ratio_class, uint64_t first,
                      uint64_t *set)
{
    const uint64_t wanted = UINT64_C(0x0101010101010101) * (uint64_t)ratio_class;
    for (size_t i = 0; i < count;) {
        const uint64_t bit = (first + i) % 64;
        uint64_t *word = &set[(first + i) / 64];
        if (bit == 0 && count - i >= 64) {
            *word = pack_word(classes + i, wanted);
            i += 64;
        } else {
            *word |= (uint64_t)(classes[i] == ratio_class) << bit;
            i++;
        }
    }
}

uint64_t sam_overlap_size(const uint64_t *set, size_t words)
{
    return sam_kernels_best()->count_common(set, set, words);
}

uint64_t sam_overlap_common(const uint64_t *a, const uint64_t *b, size_t words)
{
    return sam_kernels_best()->count_common(a, b, words);
}

void sam_overlap_intersect(uint64_t *set, const uint64_t *other, size_t words)
{
    for (size_t i = 0; i < words; i++)
        set[i] &= other[i];
}

struct sam_overlap sam_overlap_measure(uint64_t n, uint64_t a, uint64_t b, uint64_t common)
{
    const double in_a = (double)a / (double)n, in_b = (double)b / (double)n;
    const double agreement = (double)(n - a - b + 2 * common) / (double)n;
    const double by_chance = in_a * in_b + (1 - in_a) * (1 - in_b);
    const double chance = (double)a * (double)b / (double)n;
    return (struct sam_overlap){
        .percent = 100 * (double)common / (double)a,
        .chance = chance,
        .lift = (double)common / chance,
        .jaccard = (double)common / (double)(a + b - common),
        .kappa = (agreement - by_chance) / (1 - by_chance),
    };
}
