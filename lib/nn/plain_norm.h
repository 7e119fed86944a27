/* plain_norm - batch norm (S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015), with the sum
 * and the ReLU that follow it in a residual network, since all of them are bound by memory.
 *
 * Over the M = N*H*W columns of a channel's row, with mean m and biased variance v:
 *   xhat = (x - m) / sqrt(v + 1e-5),   z = weight * xhat + bias,   y = relu(z + shortcut).
 * Backward, with dz = dy where y > 0, else 0:
 *   dbias = sum dz,   dweight = sum dz * xhat,
 *   dx = weight / sqrt(v + 1e-5) * (dz - dbias / M - xhat * dweight / M);
 * dz is the gradient by the shortcut too. Sums are in double precision. A job is a channel. */
#ifndef SAM_NN_PLAIN_NORM_H
#define SAM_NN_PLAIN_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "nn/plain_real.h"

struct sam_plain_norm {
    int channels;
    size_t columns;            /* M */
    const real *weight, *bias; /* (channels) */
    real *mean, *inverse;      /* (channels): m and 1 / sqrt(v + 1e-5), made before the rest */
};

/* Training: m and v of x (channels, columns). Running mean and variance (channels), unless NULL,
 * move a tenth of the way to m and to the unbiased variance, v * M / (M - 1). */
void sam_plain_norm_measure(const struct sam_plain_norm *norm, struct sam_pool *pool, const real *x,
                            float *running_mean, float *running_var);

/* Evaluation: m and v are the running ones. */
void sam_plain_norm_recall(const struct sam_plain_norm *norm, const float *running_mean,
                           const float *running_var);

/* x to y, both (channels, columns). The shortcut, of the same shape, may be NULL. */
void sam_plain_norm_forward(const struct sam_plain_norm *norm, struct sam_pool *pool, const real *x,
                            const real *shortcut, bool relu, real *y);

/* dy becomes dz in place (y is what forward made; NULL if it had no ReLU); dx, which may be dy, is
 * the gradient by x; dweight and dbias (channels) those by the parameters. */
void sam_plain_norm_backward(const struct sam_plain_norm *norm, struct sam_pool *pool,
                             const real *x, const real *y, real *dy, real *dx, real *dweight,
                             real *dbias);

#endif
