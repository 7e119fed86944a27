/* kind - what a parameter is to its network, told from its name and shape. */
#ifndef SAM_STREAM_KIND_H
#define SAM_STREAM_KIND_H

#include <stdbool.h>

enum sam_kind {
    SAM_KIND_CONV,
    SAM_KIND_NORM_WEIGHT,
    SAM_KIND_NORM_BIAS,
    SAM_KIND_LINEAR_WEIGHT,
    SAM_KIND_LINEAR_BIAS,
    SAM_KIND_OTHER,
    SAM_KINDS, /* how many there are */
};

/* "conv", "norm-weight", ..., as the tables show it. */
const char *sam_kind_name(enum sam_kind kind);

/* The kind of the parameter `name` of `ndim` dimensions, by PyTorch's habits: the last part of a
 * name is "weight" or "bias" (or ends in "_weight", "_bias"); a convolution's weight has 3
 * dimensions or more, a linear layer's 2, a normalisation's 1. A bias is of its layer's kind:
 * `weight_ndim` is the number of dimensions of the weight beside it (sam_kind_compare_weight()
 * finds it), or -1 where there is none, and then the layer's name must tell ("norm", or "bn", "ln",
 * "gn" and a number, or "shortcut.1", "downsample.1": a norm; "conv": other; else linear). A
 * convolution's bias, an embedding's weight (its layer's name has a word that begins with "emb", or
 * is "wte" or "wpe"), and whatever else there may be is SAM_KIND_OTHER. Users are told in
 * gradient-stream(7). */
enum sam_kind sam_kind_of(const char *name, int ndim, int weight_ndim);

bool sam_kind_is_bias(const char *name);

/* strcmp() of the name of the weight beside `bias`, a bias ("layer.weight" beside "layer.bias"),
 * and `name`: the order to search a sorted list for it. */
int sam_kind_compare_weight(const char *bias, const char *name);

#endif
