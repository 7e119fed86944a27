/* plain_network - a network as the plain engine holds it: its units with their memory.
 *
 * Forward keeps every convolution's output and every activation, for the backward pass reads them:
 * at width 64 about 4.9 MB an image in single precision. Gradients by activations need three
 * buffers of the largest one, which the blocks hand on. */
#ifndef SAM_NN_PLAIN_NETWORK_H
#define SAM_NN_PLAIN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "nn/arch.h"
#include "nn/engine.h"
#include "nn/plain_conv.h"
#include "nn/plain_real.h"
#include "nn/timing.h"

/* A convolution and its batch norm. N is the minibatch's size, h and w are the output's. */
struct sam_plain_unit {
    const struct sam_arch_unit *arch;
    struct sam_plain_conv conv;
    size_t pixels;        /* h * w */
    real *product;        /* (out, N, h, w), of the convolution */
    real *output;         /* (out, N, h, w), behind norm, shortcut and ReLU */
    real *mean, *inverse; /* (out), as in nn/plain_norm.h */
    double flops;         /* of one pass of the convolution over one image */
    struct {              /* entries of the network's timing */
        size_t conv_forward, conv_input, conv_weight, norm_forward, norm_backward;
    } timing;
};

struct sam_plain_block {
    struct sam_plain_unit conv1, conv2, shortcut;
    bool has_shortcut;
};

struct sam_plain_network {
    struct sam_arch_tables tables;
    size_t max_batch;
    struct sam_arena *arena; /* of all arrays below and in the units */
    struct sam_plain_workspace workspace;
    struct sam_plain_unit stem;
    struct sam_plain_block *blocks; /* (tables.block_count) */
    real *parameters, *gradient;    /* (n) */
    real *images;                   /* (channels, N, 32, 32) */
    real *pooled, *dpooled;         /* (features, N) */
    real *logits, *dlogits;         /* (classes, N) */
    real *spare[3];                 /* each the size of the largest activation */
    struct sam_timing timing;
    size_t copies, head; /* entries of it */
    char description[128];
};

/* With room for minibatches of up to settings->max_batch. The pool is the caller's. */
struct sam_plain_network *sam_plain_network_new(const struct sam_engine_settings *settings,
                                                struct sam_pool *pool, struct sam_error *error);
void sam_plain_network_free(struct sam_plain_network *network);

#endif
