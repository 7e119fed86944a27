/* kernels - the loops over arrays of this room, compiled for each instruction set of the machine
 * and chosen at run time. Private to the room: its public functions call the best set.
 *
 * All sets are one text (kernels_body.h), plain C that the compiler vectorises; each gives the same
 * results to the last bit, and the tests hold every one of them against a scalar reference. */
#ifndef SAM_GEOMETRY_KERNELS_H
#define SAM_GEOMETRY_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "geometry/buckets.h"
#include "geometry/overlap.h"
#include "geometry/ratio.h"
#include "geometry/threshold.h"
#include "geometry/transitions.h"

/* What the loops do is said beside the public functions of ratio.h, buckets.h, threshold.h,
 * overlap.h and transitions.h that call them. */
struct sam_kernels {
    const char *name;
    void (*classify_float)(const float *current, const float *perturbed, size_t n,
                           uint8_t *classes);
    void (*classify_double)(const double *current, const double *perturbed, size_t n,
                            uint8_t *classes);
    void (*classify_published)(const float *current, const float *perturbed, size_t n, float eps,
                               uint8_t *classes);
    void (*count_classes)(const uint8_t *classes, size_t n, uint64_t counts[SAM_RATIO_CLASSES]);
    void (*count_transitions)(const uint8_t *before, const uint8_t *after, size_t n,
                              struct sam_transitions *transitions);
    void (*count_buckets_float)(const struct sam_buckets *buckets, const float *current,
                                const float *perturbed, const uint8_t *classes, size_t n,
                                uint64_t *at_least);
    void (*count_buckets_double)(const struct sam_buckets *buckets, const double *current,
                                 const double *perturbed, const uint8_t *classes, size_t n,
                                 uint64_t *at_least);
    /* Adds n parameters to what was found, whose keys have room for n more; range->high <= 2^31. */
    void (*find_range)(const struct sam_threshold_range *range, const float *values,
                       const uint8_t *classes, size_t n, struct sam_threshold_found *found);
    void (*pack_class)(const uint8_t *classes, size_t n, uint8_t ratio_class, uint64_t *set);
    uint64_t (*count_common)(const uint64_t *a, const uint64_t *b, size_t words);
};

/* What a search's pass makes of one key. */
static inline void sam_kernels_look_at(const struct sam_threshold_range *range, uint64_t key,
                                       uint8_t ratio_class, struct sam_threshold_found *found)
{
    const bool member = ratio_class == range->ratio_class;
    if (key >= range->high)
        found->above[member]++;
    else if (key >= range->low)
        found->keys[found->inside++] = 2 * key + member;
}

/* The sets that this machine can run, best first, NULL-terminated; "portable" is always the last.
 */
const struct sam_kernels *const *sam_kernels_supported(void);

const struct sam_kernels *sam_kernels_best(void);

#endif
