/* indices - minibatches named image by image, in a file. */
#ifndef SAM_TRAIN_INDICES_H
#define SAM_TRAIN_INDICES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Minibatch b is the images list[starts[b]] .. list[starts[b + 1] - 1]. */
struct sam_indices {
    uint32_t *list;
    size_t *starts; /* (batches + 1) */
    size_t batches;
    uint32_t longest; /* images in the largest minibatch */
    uint32_t largest; /* index */
};

/* Reads whole numbers separated by commas, spaces or line ends; a blank line ends a minibatch, and
 * so do `most` images where most > 0. "-" is standard input. Refuses anything else, and a file
 * without numbers, naming the line. The caller frees with sam_indices_free(). */
int sam_indices_read(const char *path, uint32_t most, struct sam_indices *indices,
                     struct sam_error *error);
void sam_indices_free(struct sam_indices *indices);

#endif
