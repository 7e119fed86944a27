/* threshold - element k, counted from 0, of the magnitudes |x| in decreasing order: exactly, and
 * without sorting.
 *
 * A magnitude's bits, read as an integer, order as the magnitudes do; NaN comes before infinity.
 * The search keeps a range of such keys and passes over the data: what is above the range is
 * counted, what is inside is counted in bins, and the bin that holds element k is the next range,
 * until it is one key. A first pass over many elements looks at one in sixteen and only guesses the
 * range; if the next pass finds element k outside, it goes on there.
 *
 *     sam_threshold_begin(t, n);
 *     do
 *         for all pieces of the data: sam_threshold_add(t, ...);
 *     while ((more = sam_threshold_narrow(t, k, error)) == 1);
 *
 * k need not be known before the first pass has ended. Floats take two or three passes with 2^16
 * bins. Memory: the bins. */
#ifndef SAM_GEOMETRY_THRESHOLD_H
#define SAM_GEOMETRY_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sam_threshold {
    bool wide; /* keys are the bits of doubles, to which floats are converted */
    int log_bins;
    uint64_t *bins; /* (1 << log_bins) */

    uint64_t low, high;   /* the range: low <= key < high */
    int shift;            /* the bin of a key is (key - low) >> shift */
    uint64_t size;        /* elements, in all */
    uint64_t seen, above; /* in this pass: elements; those with key >= high */
    bool known;           /* element k is in the range for sure */
    bool sampling;        /* this pass looks at one element in STRIDE */
    bool done;
};

/* For magnitudes that are all floats, or (`wide`) may be doubles. log_bins is 8 to 16. The caller
 * frees with sam_threshold_free(). */
int sam_threshold_init(struct sam_threshold *threshold, bool wide, int log_bins,
                       struct sam_error *error);
void sam_threshold_free(struct sam_threshold *threshold);

/* Begins the search among `size` elements. */
void sam_threshold_begin(struct sam_threshold *threshold, uint64_t size);

/* The next `count` elements of the pass, of which `first` came before in their array. */
void sam_threshold_add(struct sam_threshold *threshold, const float *values, uint64_t first,
                       size_t count);
void sam_threshold_add_double(struct sam_threshold *threshold, const double *values, uint64_t first,
                              size_t count);

/* Ends a pass: 1 if another one is needed, 0 if the element was found; -1 if the data cannot be
 * those of the passes before. k >= size means the last element. */
int sam_threshold_narrow(struct sam_threshold *threshold, uint64_t k, struct sam_error *error);

/* The element found; NaN if there are none, or if it is one. */
double sam_threshold_value(const struct sam_threshold *threshold);

/* Writes to `kept` (n) the class of each parameter with |value| > bound, and SAM_THRESHOLD_BELOW,
 * which is no class, for the others. Comparisons with NaN are false. */
enum { SAM_THRESHOLD_BELOW = 255 };
void sam_threshold_keep(const float *values, const uint8_t *classes, size_t n, double bound,
                        uint8_t *kept);
void sam_threshold_keep_double(const double *values, const uint8_t *classes, size_t n, double bound,
                               uint8_t *kept);

#endif
