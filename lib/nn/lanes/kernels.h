/* kernels - what the engine of nn/lanes.c needs done to its arrays, once for each instruction set.
 *
 * Lanes are samples: an activation is x (G, C, S, S, L), where group g holds the samples g*L to
 * g*L + L-1 of the minibatch, side by side in one vector at each pixel of each channel. So whatever
 * the number of channels, every vector is full, a shift by a pixel is a shift by a vector, and
 * batch norm, ReLU and sums need no thought. In the last group lanes may be left over: their images
 * are zero, what they hold never enters a statistic, and gradients are zero there.
 *
 * Every function works on a span of groups and on nothing that another span writes; so spans run
 * side by side, and what they sum is theirs alone until the engine adds it up in their order.
 * winograd_prepare alone works on weights, a range of their channels, and on no samples.
 * `scratch` is the worker's own. */
#ifndef SAM_NN_LANES_KERNELS_H
#define SAM_NN_LANES_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/arch.h"

/* Groups first .. end-1 of a minibatch of `batch` samples. */
struct sam_lanes_span {
    int first, end, batch;
};

/* An activation as a layer reads it: x (G, C, S, S, L), or scale[c] * x + shift[c] where scale (C)
 * is not NULL (batch norm), and of that max(0, .) with `relu`. Convolutions read either x as it is
 * or what is behind norm and ReLU. */
struct sam_lanes_input {
    const float *x;
    const float *scale, *shift;
    bool relu;
};

/* The gradient by a convolution's output y, seen through the batch norm behind it:
 * dy = a[k] * dz + b[k] * y + c[k], where dz is the gradient by the norm's output. */
struct sam_lanes_slope {
    const float *dz, *y;    /* (G, K, S, S, L) */
    const float *a, *b, *c; /* (K) */
};

/* The ReLU behind one or two norms (two where a shortcut joins in), on the way back. Of dz
 * (G, C, S, S, L), the gradient behind the ReLU, is kept what passes it: where the ReLU is
 * positive. Then for each norm, y (G, C, S, S, L) being what it reads and mean (C) that of y,
 * sums[c] = { sum of dz, sum of dz * (y - mean[c]) }. */
struct sam_lanes_relu {
    int norms;
    struct {
        const float *y, *mean;
        double (*sums)[2];
    } norm[2];
};

/* What the backward pass of a convolution makes. */
struct sam_lanes_gradients {
    float *dx; /* (G, C, S, S, L): by the input; NULL: not wanted */
    bool add;  /* to what dx holds */
    /* With dx: sends it through this ReLU, which the input comes out of, unless NULL. */
    const struct sam_lanes_relu *relu;
    float *dweights; /* (K, C, k, k): the span's part of the gradient by the weights */
};

/* Of the values of one channel in a span: their number, mean, and sum of squares about it. */
struct sam_lanes_moments {
    double count, mean, squares;
};

/* A way to do a convolution. `weights` (K, C, k, k) are PyTorch's, or for Winograd what `prepare`
 * made of them. */
struct sam_lanes_conv {
    /* Floats of scratch that forward and backward need. */
    size_t (*scratch)(const struct sam_arch_unit *unit);
    /* y (G, K, S, S, L) = convolution of the input; moments (K) of y, unless NULL, which are taken
     * while y is in the cache. */
    void (*forward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                    const struct sam_lanes_input *input, const float *weights, float *y,
                    struct sam_lanes_moments *moments, float *scratch);
    void (*backward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                     const struct sam_lanes_input *input, const struct sam_lanes_slope *slope,
                     const float *weights, const struct sam_lanes_gradients *made, float *scratch);
};

struct sam_lanes_kernels {
    int lanes; /* L */

    struct sam_lanes_conv direct;   /* serves every unit */
    struct sam_lanes_conv winograd; /* 3x3, stride 1 or 2 */
    /* Floats of the transformed weights; makes those for the forward pass, or the backward pass:
     * the part that belongs to the outputs, or the inputs, first .. end-1. */
    size_t (*winograd_weights)(const struct sam_arch_unit *unit);
    void (*winograd_prepare)(const struct sam_arch_unit *unit, const float *weights, bool backward,
                             int first, int end, float *transformed);

    /* images (N, C, 32, 32) to x (G, C, 32, 32, L). */
    void (*pack)(struct sam_lanes_span span, int channels, const float *images, float *x);

    /* out = max(0, a + b), all of (G, C, pixels, L). */
    void (*join)(struct sam_lanes_span span, int channels, int pixels,
                 const struct sam_lanes_input *a, const struct sam_lanes_input *b, float *out);

    /* Sends dz (G, C, pixels, L) through the ReLU that `input` comes out of. */
    void (*gate)(struct sam_lanes_span span, int channels, int pixels,
                 const struct sam_lanes_input *input, const struct sam_lanes_relu *relu, float *dz);

    /* pooled (C, batch): the means over the pixels of x (G, C, pixels, L). */
    void (*pool)(struct sam_lanes_span span, int channels, int pixels, const float *x,
                 float *pooled);
    /* dx (G, C, pixels, L): dpooled (C, batch) / pixels at each pixel. */
    void (*spread)(struct sam_lanes_span span, int channels, int pixels, const float *dpooled,
                   float *dx);
};

extern const struct sam_lanes_kernels sam_lanes_avx512_kernels, sam_lanes_avx2_kernels,
    sam_lanes_portable_kernels;

#endif
