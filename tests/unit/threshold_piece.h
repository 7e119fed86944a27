/* A piece of a pass of lib/geometry/threshold.h, looked through and added, for its tests. */
#ifndef SAM_TESTS_THRESHOLD_PIECE_H
#define SAM_TESTS_THRESHOLD_PIECE_H

#include <stdlib.h>

#include "geometry/threshold.h"

/* `count` magnitudes, floats or (if that is NULL) doubles. */
static inline void pass_piece(struct sam_threshold *threshold, const float *floats,
                              const double *doubles, const uint8_t *classes, uint64_t first,
                              size_t count)
{
    struct sam_threshold_found found = {.keys = malloc((count + 1) * sizeof *found.keys)};
    if (floats)
        sam_threshold_look(threshold, floats, classes, first, count, &found);
    else
        sam_threshold_look_double(threshold, doubles, classes, first, count, &found);
    sam_threshold_add(threshold, &found);
    free(found.keys);
}

#endif
