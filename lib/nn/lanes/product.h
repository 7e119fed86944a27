/* product - small matrix products on vectors of lanes: the one inner loop of all convolutions.
 *
 *   out[n][i] (+)= sum over taps t and depth r of w[t][r][n] * x[t][r][i],  n < rows, i < columns,
 *
 * where out[n][i] and x[t][r][i] are vectors and w[t][r][n] numbers. A tap lies anywhere, which is
 * what makes the product serve every convolution without copying matrices together: the taps of a
 * direct convolution are places in one padded image and in the weights as PyTorch stores them.
 *
 * It is ours, and not libxsmm's small product, for these taps, for the machines that libxsmm does
 * not know, and since little is lost: `make bench-product` measures both. From 32 channels on they
 * are equal, at 0.95 of the peak; for 8 channels libxsmm, which unrolls the whole sum, is 1.2 times
 * as fast. */
#ifndef SAM_NN_LANES_PRODUCT_H
#define SAM_NN_LANES_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/lanes/vector.h"

/* Where the factors of a tap start, in floats. */
struct sam_lanes_tap {
    int32_t x, w;
};

/* All distances are in floats; those of vectors are multiples of LANES. */
struct sam_lanes_product {
    int rows, columns, taps, depth;
    float *out;
    ptrdiff_t out_row, out_column;
    const float *x; /* x[t][r][i] is the vector at x + tap[t].x + r * x_step + i * LANES */
    ptrdiff_t x_step;
    const float *w; /* w[t][r][n] is w[tap[t].w + r * w_step + n * w_row] */
    ptrdiff_t w_step, w_row;
    const struct sam_lanes_tap *tap; /* (taps) */
    bool add;                        /* to what `out` holds */
};

#define sam_lanes_multiply SAM_LANES(multiply)
void sam_lanes_multiply(const struct sam_lanes_product *product);

#endif
