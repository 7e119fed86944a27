/* vector - the arithmetic of a training step on arrays of one float a parameter, one pass each.
 *
 * These loops read and write every parameter once or twice a step, so memory bandwidth is their
 * limit; they are written so that the compiler vectorises them (lib/train/vector.o is compiled with
 * -O3) and never contracts or reorders: the same bytes on every machine. Arrays of one call do not
 * overlap. Serial: train/step.c cuts the parameters into pieces and runs them in parallel. */
#ifndef SAM_TRAIN_VECTOR_H
#define SAM_TRAIN_VECTOR_H

#include <stddef.h>

/* Sum of x_i^2 (n), in double, in a fixed order of eight interleaved partial sums. */
double sam_vector_sum_squares(const float *x, size_t n);

/* out = w + scale * g. */
void sam_vector_move(const float *w, const float *g, float scale, float *out, size_t n);

/* ASAM's normalised gradient: out = T g with T = |w| + eta. */
void sam_vector_normalise(const float *w, const float *g, float eta, float *out, size_t n);

/* ASAM's move: out = w + scale * T^2 g with T = |w| + eta. */
void sam_vector_move_adaptive(const float *w, const float *g, float eta, float scale, float *out,
                              size_t n);

/* d = scale * d. */
void sam_vector_scale(float scale, float *d, size_t n);

/* Stochastic gradient descent with weight decay and momentum, as PyTorch's SGD does it:
 * v = momentum v + (d + decay w); w = w - rate v. */
void sam_vector_descend(const float *d, float rate, float momentum, float decay, float *v, float *w,
                        size_t n);

#endif
