/* pairs - the parameters of a record: which tensors of its header belong together. */
#ifndef SAM_STREAM_PAIRS_H
#define SAM_STREAM_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/kind.h"
#include "stream/safetensors.h"

/* One parameter tensor of a record: a current/ and perturbed/ pair, or a class/ tensor. */
struct sam_pair {
    const char *name; /* without the prefix */
    int ndim;
    const uint64_t *shape;
    uint64_t count;
    bool classes; /* a class/NAME tensor of ratio classes */
    enum sam_kind kind;
    /* The tensors of the header; `current` is the class tensor, with `perturbed` NULL. */
    const struct sam_tensor *current, *perturbed;
};

/* Finds the pairs of a header, which must outlive them: an array the caller frees, in the order of
 * the data of their last tensors, which is the order in which a pipe completes them. Refuses
 * half a pair, two shapes or dtypes in a pair, a dtype that is not of a gradient (F64, F32, F16,
 * BF16) or a class (U8), a record with no pair or with gradients and classes. The message does not
 * name the file. */
int sam_pairs_find(const struct sam_header *header, struct sam_pair **pairs, size_t *count,
                   struct sam_error *error);

/* The first and the last of a pair's tensors in the data; the same for a class tensor. */
const struct sam_tensor *sam_pair_first(const struct sam_pair *pair);
const struct sam_tensor *sam_pair_last(const struct sam_pair *pair);

#endif
