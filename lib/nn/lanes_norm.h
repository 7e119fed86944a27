/* lanes_norm - batch norm (S. Ioffe, C. Szegedy, ICML 2015) as the few numbers a channel that the
 * kernels apply when they read: forward scale * y + shift, backward a * dz + b * y + c.
 *
 * With m, v the mean and biased variance of the M values of a channel, s = 1 / sqrt(v + 1e-5) and
 * xhat = (y - m) * s, the norm is weight * xhat + bias. So
 *
 *     scale = weight * s,   shift = bias - m * scale;
 *     dbias = sum dz,       dweight = sum dz * xhat,
 *     dy = scale * (dz - dbias / M - xhat * dweight / M),
 *
 * and a, b, c by collecting terms. */
#ifndef SAM_NN_LANES_NORM_H
#define SAM_NN_LANES_NORM_H

#include "nn/lanes_network.h"

/* From the moments of `parts` parts: mean, inverse, scale and shift; the running mean and variance
 * in `buffers` (unless NULL) move a tenth of the way, the variance to the unbiased one. */
void sam_lanes_norm_measure(struct sam_lanes_unit *unit, int parts, const float *parameters,
                            float *buffers);

/* The same from the running mean and variance. */
void sam_lanes_norm_recall(struct sam_lanes_unit *unit, const float *parameters,
                           const float *buffers);

/* From the sums of `parts` parts: a, b, c, and the gradients by weight and bias. */
void sam_lanes_norm_slope(struct sam_lanes_unit *unit, int parts, int batch,
                          const float *parameters, float *gradient);

#endif
