/* moments - the moments of a convolution's output, taken piece by piece as it is made.
 *
 * Running moments of a channel are three vectors: for each lane its first value, and the sums of
 * the differences from it and of their squares. A mean far from zero so takes no digits from the
 * variance. */
#ifndef SAM_NN_LANES_MOMENTS_H
#define SAM_NN_LANES_MOMENTS_H

#include "nn/lanes/kernels.h"
#include "nn/lanes/layout.h"

enum { MOMENTS_RUNNING = 3 * LANES }; /* floats */

/* Begins with a channel that `first` is a value of. */
ALWAYS_INLINE void moments_begin(float *running, const float *first)
{
    vec_store(running, vec_load(first));
    vec_store(running + LANES, (vec){0});
    vec_store(running + 2 * LANES, (vec){0});
}

/* Adds rows of vectors, `row_step` floats apart, that hold `lanes` samples. They are summed up by
 * themselves first: small numbers do not vanish one by one in large sums. */
ALWAYS_INLINE void moments_add(float *running, const float *y, ptrdiff_t row_step, int rows,
                               int columns, int lanes)
{
    const vec pivot = vec_load(running);
    vec sum = {0}, squares = {0};
    for (int row = 0; row < rows; row++, y += row_step)
        for (int i = 0; i < columns; i++) {
            vec difference = vec_load(y + i * LANES) - pivot;
            if (lanes < LANES)
                difference = vec_first(difference, lanes);
            sum += difference;
            squares += difference * difference;
        }
    vec_store(running + LANES, vec_load(running + LANES) + sum);
    vec_store(running + 2 * LANES, vec_load(running + 2 * LANES) + squares);
}

/* What they are after all of a span of `pixels` pixels. A lane is missing in the last group of a
 * minibatch or in none; one that is missing there may have had values before. */
static inline struct sam_lanes_moments moments_total(const float *running,
                                                     struct sam_lanes_span span, int pixels)
{
    const int groups = span.end - span.first, last = group_lanes(span, span.end - 1);
    double count[LANES];
    struct sam_lanes_moments total = {0};
    for (int lane = 0; lane < LANES; lane++) {
        count[lane] = (double)pixels * (lane < last ? groups : groups - 1);
        total.count += count[lane];
        total.mean += count[lane] * (double)running[lane] + (double)running[LANES + lane];
    }
    total.mean /= total.count;
    for (int lane = 0; lane < LANES; lane++) {
        const double shift = (double)running[lane] - total.mean;
        total.squares += (double)running[2 * LANES + lane] +
                         shift * (2 * (double)running[LANES + lane] + count[lane] * shift);
    }
    return total;
}

/* The same of `channels` channels, unless `moments` is NULL. */
static inline void moments_end(const float *running, int channels, struct sam_lanes_span span,
                               int pixels, struct sam_lanes_moments *moments)
{
    for (int k = 0; moments && k < channels; k++)
        moments[k] = moments_total(running + k * MOMENTS_RUNNING, span, pixels);
}

#endif
