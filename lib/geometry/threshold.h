/* threshold - element k, counted from 0, of the magnitudes |x| of parameters in decreasing order,
 * and how many members of a class lie above it: exactly, and without sorting.
 *
 * A magnitude's bits, read as an integer, order as the magnitudes do; NaN comes before infinity.
 * The search keeps a range of such keys and passes over the data: what is above the range is
 * counted, what is inside is counted in bins, and the bin that holds element k is the next range,
 * until it is one key. A first pass over many elements looks at one in sixteen and only guesses the
 * range; if the next pass finds element k outside, it goes on there.
 *
 *     sam_threshold_begin(t, n, wide);
 *     do
 *         for each piece of the data:
 *             sam_threshold_look(t, ..., found), sam_threshold_add(t, found);
 *     while ((more = sam_threshold_narrow(t, k, error)) == 1);
 *
 * k need not be known before the first pass has ended. With 2^18 bins floats take two or three
 * passes, doubles four to six. Memory: 16 bytes a bin. */
#ifndef SAM_GEOMETRY_THRESHOLD_H
#define SAM_GEOMETRY_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

/* The range that a pass looks at. */
struct sam_threshold_range {
    uint64_t low, high;  /* low <= key < high */
    uint8_t ratio_class; /* what members are */
};

struct sam_threshold {
    bool wide; /* keys are the bits of doubles, to which floats are converted */
    int log_bins;
    struct sam_threshold_range range;
    int shift;           /* the bin of a key is (key - low) >> shift */
    uint64_t (*bins)[2]; /* elements in each bin: others, members */
    uint64_t above[2];   /* ... above the range */
    uint64_t size;       /* elements, in all */
    uint64_t seen;       /* ... in this pass */
    bool known;          /* element k is in the range for sure */
    bool sampling;       /* this pass looks at one element in sixteen */
    bool done;
    uint64_t members;        /* once done: members above the element found */
    struct sam_arena *arena; /* of the bins: on huge pages, as they are touched in no order */
};

/* For parameters of which those of a ratio class are the members. log_bins is 4 to 20. The caller
 * frees with sam_threshold_free(), after any number of searches. */
int sam_threshold_init(struct sam_threshold *threshold, int log_bins, int ratio_class,
                       struct sam_error *error);
void sam_threshold_free(struct sam_threshold *threshold);

/* Begins a search among `size` elements, which are all floats, or (`wide`) may be doubles. */
void sam_threshold_begin(struct sam_threshold *threshold, uint64_t size, bool wide);

/* What a pass finds in a piece of the data. */
struct sam_threshold_found {
    size_t seen;       /* elements */
    uint64_t above[2]; /* ... above the range: others, members */
    size_t inside;     /* ... inside */
    uint64_t *keys;    /* theirs, times 2, plus 1 for members; the caller's, with room for all */
};

/* Looks through `count` elements of the pass and their classes, of which `first` came before in
 * their array. Several threads may, each at its piece, until the pass ends, also while one adds:
 * sam_threshold_add() changes nothing that this reads. */
void sam_threshold_look(const struct sam_threshold *threshold, const float *values,
                        const uint8_t *classes, uint64_t first, size_t count,
                        struct sam_threshold_found *found);
void sam_threshold_look_double(const struct sam_threshold *threshold, const double *values,
                               const uint8_t *classes, uint64_t first, size_t count,
                               struct sam_threshold_found *found);

/* Adds what was found in a piece; the order of pieces does not matter. */
void sam_threshold_add(struct sam_threshold *threshold, const struct sam_threshold_found *found);

/* Ends a pass: 1 if another one is needed, 0 if the element was found; -1 if the data cannot be
 * those of the passes before. k >= size means the last element. */
int sam_threshold_narrow(struct sam_threshold *threshold, uint64_t k, struct sam_error *error);

/* The element found; NaN if there are none, or if it is one. */
double sam_threshold_value(const struct sam_threshold *threshold);

/* The members of the class with a magnitude above it. */
uint64_t sam_threshold_members(const struct sam_threshold *threshold);

#endif
