/* plain_linear - the linear layer at the end of a network, and the loss of its logits.
 *
 *   logits[k,n] = sum over c of weight[k,c] * x[c,n] + bias[k],
 *   loss = mean over n of log(sum over k of exp(logits[k,n])) - logits[label[n],n],
 *   dlogits[k,n] = (softmax(logits[.,n])[k] - (k == label[n])) / N.
 *
 * One thread does it: it is a small part of the work. */
#ifndef SAM_NN_PLAIN_LINEAR_H
#define SAM_NN_PLAIN_LINEAR_H

#include <stdint.h>

#include "nn/engine.h"
#include "nn/plain_real.h"

struct sam_plain_linear {
    int in, out;
};

/* x (in, N), weight (out, in), bias (out) to y (out, N). */
void sam_plain_linear_forward(const struct sam_plain_linear *linear, int batch, const real *x,
                              const real *weight, const real *bias, real *y);

/* The gradients by x, weight and bias from dy, that by y. */
void sam_plain_linear_backward(const struct sam_plain_linear *linear, int batch, const real *x,
                               const real *weight, const real *dy, real *dx, real *dweight,
                               real *dbias);

/* The loss and the number of correct answers of logits (classes, N), in double precision; dlogits
 * (classes, N), unless NULL, is its gradient, and right (N), unless NULL, tells for each image
 * whether it was answered correctly. Labels are below `classes`. A NaN among the logits makes the
 * loss NaN. */
void sam_plain_linear_loss(int classes, int batch, const real *logits, const uint8_t *labels,
                           real *dlogits, struct sam_engine_result *result, uint8_t *right);

#endif
