/* lanes_network - the network as the lanes engine keeps it: what each unit needs, and the one arena
 * that all of it lies in.
 *
 * Of every unit is kept y, the output of its convolution, and of every block its output; what a
 * norm and a ReLU make of y is computed when it is read. The gradient that flows backward takes the
 * place of what nobody reads any more by then: inside a block that of the block's output; between
 * the blocks of a stage that of the next stage's last block, whose two convolutions' y are half as
 * large as this stage's each. Only the last stage's gradient has memory of its own. */
#ifndef SAM_NN_LANES_NETWORK_H
#define SAM_NN_LANES_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "base/pool.h"
#include "nn/engine.h"
#include "nn/lanes/kernels.h"
#include "nn/timing.h"

enum {
    SAM_LANES_PART = 16,       /* samples of the smallest part of a minibatch that is a job */
    SAM_LANES_MOST_PARTS = 16, /* parts of a minibatch */
};

/* Work on a convolution goes on beside the next one: weights are prepared before it, the parts'
 * gradients are summed after it. So each has memory for that which its neighbours do not use. */
enum sam_lanes_role {
    SAM_LANES_CONV2, /* and the stem, which is alone */
    SAM_LANES_CONV1,
    SAM_LANES_SHORTCUT,
    SAM_LANES_ROLES,
};

/* A convolution and its batch norm. */
struct sam_lanes_unit {
    const struct sam_arch_unit *arch;
    const struct sam_lanes_conv *conv;
    enum sam_lanes_role role;
    bool winograd;
    int pixels; /* of the output */
    float *y;   /* (G, out, S, S, L); backward, in a stage's last block: the slope in front of it */
    float *mean, *inverse; /* (out): of the minibatch, or the running ones; 1 / sqrt(var + eps) */
    float *scale, *shift;  /* (out): the norm is scale * y + shift */
    float *a, *b, *c;      /* (out): its gradient, see struct sam_lanes_slope */
    struct sam_lanes_moments *moments; /* (parts, out) */
    double (*sums)[2];                 /* (parts, out): of dz and dz * (y - mean) */
    double flops;                      /* of one pass of the convolution over one image */
    size_t weights_time, forward_time, backward_time, pointwise_time; /* timing entries */
};

struct sam_lanes_block {
    struct sam_lanes_unit conv1, conv2, shortcut;
    bool has_shortcut;
    float *out; /* (G, out, S, S, L); backward: the gradient by conv1's norm */
};

struct sam_lanes_network {
    const struct sam_lanes_kernels *kernels;
    struct sam_arch_tables tables;
    int max_batch;
    struct sam_arena *arena;
    struct sam_pool *pool;
    struct sam_lanes_unit stem;
    struct sam_lanes_block *blocks;     /* (tables.block_count) */
    float *images;                      /* (G, channels, 32, 32, L) */
    float *slopes[SAM_ARCH_STAGES + 1]; /* by stage, from 1: the gradient by a block's output */
    /* By role, of the unit at work: its weights, for Winograd; (parts - 1, weights) gradients. */
    float *transformed[SAM_LANES_ROLES], *dweights[SAM_LANES_ROLES];
    size_t scratch;          /* floats for each worker */
    float *scratches;        /* (workers, scratch) */
    float *pooled, *dpooled; /* (features, N) */
    float *logits, *dlogits; /* (classes, N) */
    struct sam_timing timing;
    size_t images_time, head_time, sum_time, wait_time; /* timing entries */
    char description[128];
};

/* The parts that a minibatch is cut into for work on images of this size, and one of them. They
 * depend on the problem alone, so that sums over parts do too. The smallest images come in larger
 * parts: their weights are many, and are read again, and summed, for each part. */
int sam_lanes_network_parts(const struct sam_lanes_network *network, int size, int batch);
struct sam_lanes_span sam_lanes_network_part(const struct sam_lanes_network *network, int size,
                                             int batch, int part);

int sam_lanes_network_init(struct sam_lanes_network *network,
                           const struct sam_lanes_kernels *kernels,
                           const struct sam_engine_settings *settings, struct sam_pool *pool,
                           struct sam_error *error);
void sam_lanes_network_free(struct sam_lanes_network *network);

#endif
