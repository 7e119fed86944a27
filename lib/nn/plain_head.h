/* plain_head - the end of the network: mean over the pixels, linear layer, loss.
 *
 *   pooled[c,n] = mean over h,w of x[c,n,h,w],
 *   logits[k,n] = sum over c of weight[k,c] * pooled[c,n] + bias[k],
 *   loss = mean over n of log(sum over k of exp(logits[k,n])) - logits[label[n],n],
 *   dlogits[k,n] = (softmax(logits[.,n])[k] - (k == label[n])) / N.
 *
 * It is so small a part of the work that one thread does it. */
#ifndef SAM_NN_PLAIN_HEAD_H
#define SAM_NN_PLAIN_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "nn/engine.h"
#include "nn/plain_real.h"

/* x (rows, pixels) to pooled (rows), where a row is one channel of one image; and back. */
void SAM_PLAIN(pool_forward)(size_t rows, size_t pixels, const real *x, real *pooled);
void SAM_PLAIN(pool_backward)(size_t rows, size_t pixels, const real *dpooled, real *dx);

struct sam_plain_linear {
    int in, out;
};

/* x (in, N), weight (out, in), bias (out) to y (out, N). */
void SAM_PLAIN(linear_forward)(const struct sam_plain_linear *linear, int batch, const real *x,
                               const real *weight, const real *bias, real *y);
/* The gradients by x, weight and bias from dy, that by y. */
void SAM_PLAIN(linear_backward)(const struct sam_plain_linear *linear, int batch, const real *x,
                                const real *weight, const real *dy, real *dx, real *dweight,
                                real *dbias);

/* The loss and the number of correct answers of logits (classes, N), in double precision; dlogits
 * (classes, N), unless NULL, is its gradient. Labels are below `classes`. A NaN among the logits
 * makes the loss NaN. */
void SAM_PLAIN(loss)(int classes, int batch, const real *logits, const uint8_t *labels,
                     real *dlogits, struct sam_engine_result *result);

#endif
