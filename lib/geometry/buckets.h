/* buckets - how the ratios r = gp/g within one class are spread: counts of the intervals between
 * given edges, LOW <= r < HIGH, with r in double precision.
 *
 * A class is itself an interval of r, and membership is decided exactly (geometry/ratio.h): an edge
 * outside of the class's interval is beyond all members or none, even where r overflows or is
 * rounded to zero. So with edges 1, 1.2, ..., infinity the intervals of class 1 add up to the
 * class, and the first one is 1 < r < 1.2. */
#ifndef SAM_GEOMETRY_BUCKETS_H
#define SAM_GEOMETRY_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sam_buckets {
    int ratio_class; /* 1 .. 4 */
    size_t count;    /* of edges; there are count - 1 intervals */
    double *edges;
    float *rounded;     /* the edges in single precision */
    size_t first, last; /* edges first .. last-1 are inside of the class's interval */
};

/* For `count` >= 2 edges, increasing; the first may be -infinity, the last infinity. Copies them.
 * An order that is not increasing is an error (SAM_USAGE). The caller frees with
 * sam_buckets_free(). */
int sam_buckets_init(struct sam_buckets *buckets, int ratio_class, const double *edges,
                     size_t count, struct sam_error *error);
void sam_buckets_free(struct sam_buckets *buckets);

/* Adds to at_least[i], for each edge, the number of members of the class with r >= edge i, among n
 * parameters of the classes given; only where that has to be found out by comparing. */
void sam_buckets_count(const struct sam_buckets *buckets, const float *current,
                       const float *perturbed, const uint8_t *classes, size_t n,
                       uint64_t *at_least);
void sam_buckets_count_double(const struct sam_buckets *buckets, const double *current,
                              const double *perturbed, const uint8_t *classes, size_t n,
                              uint64_t *at_least);

/* The members with edge i <= r < edge j, i < j, from those counts and the size of the class. */
uint64_t sam_buckets_between(const struct sam_buckets *buckets, const uint64_t *at_least,
                             uint64_t class_size, size_t i, size_t j);

#endif
