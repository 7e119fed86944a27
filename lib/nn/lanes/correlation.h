/* correlation - sums of products lane by lane: the inner loop of weight gradients where the
 * channels are too few to fill a vector (where they do, nn/lanes/product.h serves better).
 *
 *   sums[n][m] += sum over i of a[n][i] * b[m][i],   n < rows, m < columns, i < count,
 *
 * all of them vectors. The lanes of a sum are added up once, when all samples have been seen. */
#ifndef SAM_NN_LANES_CORRELATION_H
#define SAM_NN_LANES_CORRELATION_H

#include <stddef.h>

#include "nn/lanes/vector.h"

/* Distances are in floats and multiples of LANES. */
struct sam_lanes_correlation {
    int rows, columns, count;
    const float *a; /* a[n][i] is the vector at a + n * a_row + i * LANES */
    ptrdiff_t a_row;
    const float *b;            /* b[m][i] is the vector at b + b_column[m] + i * LANES */
    const ptrdiff_t *b_column; /* (columns) */
    float *sums;               /* (rows, columns, LANES) */
};

#define sam_lanes_correlate SAM_LANES(correlate)
void sam_lanes_correlate(const struct sam_lanes_correlation *correlation);

/* totals (count) = the sums over the lanes of sums (count, LANES). */
#define sam_lanes_correlation_total SAM_LANES(correlation_total)
void sam_lanes_correlation_total(const float *sums, ptrdiff_t count, float *totals);

#endif
