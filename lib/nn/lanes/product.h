/* product - small matrix products on vectors of lanes: the one inner loop of all convolutions.
 *
 *   out[n][i] (+)= sum over r of w[r][n] * x[r][i],   n < rows, i < columns, r < depth,
 *
 * where out[n][i] and x[r][i] are vectors and w[r][n] numbers. What makes it serve every
 * convolution without copying matrices together is how the factors are found: step r lies anywhere,
 * at an offset from a table. The taps of a direct convolution are offsets into one padded image and
 * into the weights as PyTorch stores them; a transposed weight matrix is another table.
 *
 * It is ours, and not libxsmm's product, for these tables, for the machines that libxsmm does not
 * know, and because it is as fast (tests/bench/product.c measures both). */
#ifndef SAM_NN_LANES_PRODUCT_H
#define SAM_NN_LANES_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/lanes/vector.h"

/* Where step r of a sum finds its factors; in floats. */
struct sam_lanes_step {
    int32_t x, w;
};

/* All distances are in floats; those of vectors are multiples of LANES. */
struct sam_lanes_product {
    int rows, columns, depth;
    float *out;
    ptrdiff_t out_row, out_column;
    const float *x; /* x[r][i] is the vector at x + steps[r].x + i * x_column */
    ptrdiff_t x_column;
    const float *w; /* w[r][n] is w[steps[r].w + n * w_row] */
    ptrdiff_t w_row;
    const struct sam_lanes_step *steps; /* (depth) */
    bool add;                           /* add to what `out` holds */
};

void SAM_LANES(multiply)(const struct sam_lanes_product *product);

#endif
