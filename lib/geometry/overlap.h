/* overlap - sets of parameters as bits, and how two sets agree.
 *
 * A set of n parameters is an array of sam_overlap_words(n) words. Parameters lie in it in groups
 * of SAM_OVERLAP_GROUP, and in an order of the set's own within each, the same in all sets; bits
 * that stand for no parameter are zero. */
#ifndef SAM_GEOMETRY_OVERLAP_H
#define SAM_GEOMETRY_OVERLAP_H

#include <stddef.h>
#include <stdint.h>

enum { SAM_OVERLAP_GROUP = 512 };

size_t sam_overlap_words(uint64_t n);

/* Makes a set of n parameters, with the classes (n): those in the class. A set can be made piece by
 * piece, one behind the other, where each piece but the last is a multiple of a group. */
void sam_overlap_pack(const uint8_t *classes, size_t n, int ratio_class, uint64_t *set);

/* The size of a set, and of the intersection of two. */
uint64_t sam_overlap_size(const uint64_t *set, size_t words);
uint64_t sam_overlap_common(const uint64_t *a, const uint64_t *b, size_t words);

/* set becomes its intersection with other. */
void sam_overlap_intersect(uint64_t *set, const uint64_t *other, size_t words);

/* How sets A and B of n parameters agree; NaN where a denominator is zero. */
struct sam_overlap {
    double percent; /* 100 |A and B| / |A| */
    double chance;  /* |A||B|/n: the overlap to be expected of independent sets */
    double lift;    /* |A and B| / chance */
    double jaccard; /* |A and B| / |A or B| */
    double kappa;   /* Cohen's: (o - e)/(1 - e), o = (|A and B| + |neither|)/n the agreement and
                       e = (|A||B| + (n - |A|)(n - |B|))/n^2 what chance gives
                       (J. Cohen, Educational and Psychological Measurement 20, 1960) */
};
struct sam_overlap sam_overlap_measure(uint64_t n, uint64_t a, uint64_t b, uint64_t common);

#endif
