/* arch - what a network is, apart from how it is computed: its shape, its parameters by name.
 *
 * The networks are the residual networks for small images of K. He et al., "Deep residual learning
 * for image recognition", CVPR 2016, in the form the notes used: 3x3 stem without pooling, four
 * stages of basic blocks with strides 1, 2, 2, 2, shortcuts of 1x1 convolution + batch norm where
 * the shape changes, global average pooling, a linear layer with bias. Names, order and shapes are
 * those of the PyTorch state_dict of that network. */
#ifndef SAM_NN_ARCH_H
#define SAM_NN_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    SAM_ARCH_STAGES = 4,
    SAM_ARCH_IMAGE = 32,        /* images are 32 x 32 */
    SAM_ARCH_MAX_CLASSES = 256, /* labels are bytes */
};

struct sam_arch {
    int depth;    /* 18: blocks 2,2,2,2; 34: blocks 3,4,6,3 */
    int width;    /* channels of the stem and the first stage; they double at each next stage */
    int channels; /* of the images: 1 or 3 */
    int classes;  /* 2 .. SAM_ARCH_MAX_CLASSES */
};

enum sam_arch_role {
    SAM_ARCH_CONV,          /* (out, in, height, width) */
    SAM_ARCH_NORM_WEIGHT,   /* (channels) */
    SAM_ARCH_NORM_BIAS,     /* (channels) */
    SAM_ARCH_LINEAR_WEIGHT, /* (out, in) */
    SAM_ARCH_LINEAR_BIAS,   /* (out) */
    SAM_ARCH_RUNNING_MEAN,  /* (channels); a buffer, not a parameter */
    SAM_ARCH_RUNNING_VAR,   /* (channels); a buffer, not a parameter */
};

/* One tensor of the network. Parameters lie one after the other, in state_dict order, in one flat
 * array of floats; buffers likewise in another: `offset` is the place in its own array. */
struct sam_arch_tensor {
    char name[56];
    enum sam_arch_role role;
    int ndim;
    size_t shape[4];
    size_t offset, count; /* in floats */
};

/* A convolution and the batch norm behind it, as an engine needs them: the shape of the work, and
 * where their tensors start in the two arrays. */
struct sam_arch_unit {
    int stage;          /* 0: the stem; 1 .. 4: layer1 .. layer4 */
    int in, out;        /* channels */
    int size;           /* height and width of the input; those of the output are size / stride */
    int kernel, stride; /* 1 or 3, padded by kernel / 2; 1 or 2 */
    size_t weight, norm_weight, norm_bias; /* in the parameter array */
    size_t running_mean, running_var;      /* in the buffer array */
};

/* relu(norm2(conv2(relu(norm1(conv1(x))))) + s(x)), where s is the shortcut unit, or the identity
 * in a block that does not change the shape. */
struct sam_arch_block {
    struct sam_arch_unit conv1, conv2, shortcut;
    bool has_shortcut;
};

/* The tables of a network: plain arrays, read-only to others. The network is
 * linear(mean over pixels(blocks(relu(stem(x))))). */
struct sam_arch_tables {
    struct sam_arch_tensor *parameters, *buffers;
    size_t parameter_tensors, buffer_tensors;
    size_t parameter_count; /* n: floats in the parameter array; 11,220,132 at 18, 64, 3, 100 */
    size_t buffer_count;    /* floats in the buffer array */

    struct sam_arch_unit stem;
    struct sam_arch_block *blocks;
    size_t block_count;
    int features; /* channels of the last block: the linear layer's input */
    int classes;
    size_t linear_weight, linear_bias; /* in the parameter array */
};

/* Refuses (SAM_USAGE) a depth other than 18 or 34, a width outside 1 .. 1024, channels other than
 * 1 or 3, classes outside 2 .. 256. */
int sam_arch_check(const struct sam_arch *arch, struct sam_error *error);

/* Fills `tables`; the caller frees with sam_arch_tables_free(). */
int sam_arch_tables_init(struct sam_arch_tables *tables, const struct sam_arch *arch,
                         struct sam_error *error);
void sam_arch_tables_free(struct sam_arch_tables *tables);

/* Initial parameters and buffers, PyTorch's defaults: convolution and linear weights and the linear
 * bias uniform on +-1/sqrt(fan_in), norm weights 1 and biases 0; running mean 0, variance 1. */
void sam_arch_init_parameters(const struct sam_arch_tables *tables, uint64_t seed,
                              float *parameters);
void sam_arch_init_buffers(const struct sam_arch_tables *tables, float *buffers);

#endif
