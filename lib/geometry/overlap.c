#include "geometry/overlap.h"

#include "geometry/kernels.h"

size_t sam_overlap_words(uint64_t n)
{
    const uint64_t groups = n / SAM_OVERLAP_GROUP + (n % SAM_OVERLAP_GROUP != 0);
    return (size_t)groups * (SAM_OVERLAP_GROUP / 64);
}

void sam_overlap_pack(const uint8_t *classes, size_t n, int ratio_class, uint64_t *set)
{
    sam_kernels_best()->pack_class(classes, n, (uint8_t)ratio_class, set);
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
    const double size = (double)n, in_a = (double)a, in_b = (double)b;
    const double chance = in_a * in_b / size;
    return (struct sam_overlap){
        .percent = 100 * (double)common / (double)a,
        .chance = chance,
        .lift = (double)common / chance,
        .jaccard = (double)common / (double)(a + b - common),
        /* (agreement - by chance) / (1 - by chance), both times n^2: whole numbers, so that what
         * is 0 comes out as 0, up to 2^26 parameters at least. */
        .kappa = 2 * (size * (double)common - in_a * in_b) /
                 (in_a * (size - in_b) + in_b * (size - in_a)),
    };
}
