#include "geometry/buckets.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "geometry/kernels.h"

/* r >= edge holds for all members of a class (edge at or below its interval). */
static bool holds_for_all(int ratio_class, double edge)
{
    static const double lowest[SAM_RATIO_CLASSES] = {0, 1, 0, -INFINITY, -1};
    return edge <= lowest[ratio_class];
}

/* ... for none. Class 2 alone has its upper end, 1, among its ratios. */
static bool holds_for_none(int ratio_class, double edge)
{
    static const double highest[SAM_RATIO_CLASSES] = {0, INFINITY, 1, -1, 0};
    return ratio_class == 2 ? edge > highest[2] : edge >= highest[ratio_class];
}

static int allocate(struct sam_buckets *buckets, struct sam_error *error)
{
    const size_t n = buckets->count;
    return (buckets->edges = sam_memory_new(n, sizeof *buckets->edges, error)) &&
                   (buckets->rounded = sam_memory_new(n, sizeof *buckets->rounded, error))
               ? 0
               : -1;
}

int sam_buckets_init(struct sam_buckets *buckets, int ratio_class, const double *edges,
                     size_t count, struct sam_error *error)
{
    *buckets = (struct sam_buckets){.ratio_class = ratio_class, .count = count};
    for (size_t i = 1; i < count; i++)
        if (!(edges[i - 1] < edges[i]))
            return sam_error_set(error, SAM_USAGE, "edge %g behind %g, wanted increasing edges",
                                 edges[i], edges[i - 1]);
    if (count < 2)
        return sam_error_set(error, SAM_USAGE, "one edge, wanted two or more");
    if (allocate(buckets, error)) {
        sam_buckets_free(buckets);
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        buckets->edges[i] = edges[i];
        buckets->rounded[i] = (float)edges[i];
        buckets->first += holds_for_all(ratio_class, edges[i]);
        buckets->last += !holds_for_none(ratio_class, edges[i]);
    }
    return 0;
}

void sam_buckets_free(struct sam_buckets *buckets)
{
    free(buckets->edges);
    free(buckets->rounded);
    *buckets = (struct sam_buckets){0};
}

void sam_buckets_count(const struct sam_buckets *buckets, const float *current,
                       const float *perturbed, const uint8_t *classes, size_t n, uint64_t *at_least)
{
    sam_kernels_best()->count_buckets_float(buckets, current, perturbed, classes, n, at_least);
}

void sam_buckets_count_double(const struct sam_buckets *buckets, const double *current,
                              const double *perturbed, const uint8_t *classes, size_t n,
                              uint64_t *at_least)
{
    sam_kernels_best()->count_buckets_double(buckets, current, perturbed, classes, n, at_least);
}

static uint64_t members_at_least(const struct sam_buckets *buckets, const uint64_t *at_least,
                                 uint64_t class_size, size_t edge)
{
    if (edge < buckets->first)
        return class_size;
    return edge < buckets->last ? at_least[edge] : 0;
}

uint64_t sam_buckets_between(const struct sam_buckets *buckets, const uint64_t *at_least,
                             uint64_t class_size, size_t i, size_t j)
{
    return members_at_least(buckets, at_least, class_size, i) -
           members_at_least(buckets, at_least, class_size, j);
}
