/* plain_pool - the mean over the pixels of each channel of each image. One thread does it: it is a
 * small part of the work. */
#ifndef SAM_NN_PLAIN_POOL_H
#define SAM_NN_PLAIN_POOL_H

#include <stddef.h>

#include "nn/plain_real.h"

/* x (rows, pixels) to pooled (rows), where a row is one channel of one image. */
void sam_plain_pool_forward(size_t rows, size_t pixels, const real *x, real *pooled);

/* The gradient by x from that by pooled. */
void sam_plain_pool_backward(size_t rows, size_t pixels, const real *dpooled, real *dx);

#endif
