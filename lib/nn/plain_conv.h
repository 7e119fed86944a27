/* plain_conv - convolution without bias, as matrix products over patches ("im2col": K. Chellapilla
 * et al., "High performance convolutional neural networks for document processing", 2006).
 *
 * With p = kernel / 2, S = stride, zeros outside the image:
 *   y[o,n,h,w] = sum over i,u,v of weight[o,i,u,v] * x[i, n, S*h + u - p, S*w + v - p].
 * The patches of some rows of output, a panel (in*kernel*kernel, columns), are written out, so that
 * the columns of y are the product of the weight, seen as a matrix (out, in*kernel*kernel), and the
 * panel. A panel has few columns, to stay near a core. */
#ifndef SAM_NN_PLAIN_CONV_H
#define SAM_NN_PLAIN_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "nn/plain_real.h"

struct sam_plain_conv {
    int in, out; /* channels */
    int size;    /* height and width of the input; of the output: size / stride, rounded up */
    int kernel;  /* 1 or 3 */
    int stride;  /* 1 or 2 */
};

/* Scratch memory that all convolutions of a network share, one after the other. */
struct sam_plain_workspace {
    struct sam_pool *pool;
    real *panels;   /* (threads, panel) */
    size_t panel;   /* the largest sam_plain_conv_panel() */
    real *partials; /* (SAM_PLAIN_SLICES, out, in, kernel, kernel), of the largest weight */
};

/* The weight gradient is summed in this many parts of the minibatch, then over the parts, in order:
 * more threads than this are of no use to it. */
enum { SAM_PLAIN_SLICES = 8 };

/* Height and width of the output. */
int sam_plain_conv_output_size(const struct sam_plain_conv *conv);

/* Elements of a panel, and of the weight. */
size_t sam_plain_conv_panel(const struct sam_plain_conv *conv);
size_t sam_plain_conv_weights(const struct sam_plain_conv *conv);

/* x (in, N, size, size), weight (out, in, kernel, kernel) to y (out, N, output, output). */
void sam_plain_conv_forward(const struct sam_plain_conv *conv,
                            const struct sam_plain_workspace *workspace, int batch, const real *x,
                            const real *weight, real *y);

/* dx = the gradient by x, from dy, that by y; with `add`, dx += that. */
void sam_plain_conv_backward_input(const struct sam_plain_conv *conv,
                                   const struct sam_plain_workspace *workspace, int batch,
                                   const real *dy, const real *weight, bool add, real *dx);

/* dweight = the gradient by the weight. */
void sam_plain_conv_backward_weight(const struct sam_plain_conv *conv,
                                    const struct sam_plain_workspace *workspace, int batch,
                                    const real *x, const real *dy, real *dweight);

#endif
