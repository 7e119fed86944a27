/* split - which images train and which validate.
 *
 * Both choices are stratified: of M images taken from N, class c with N_c images gives M N_c / N,
 * rounded down, and the images still missing to M come from the classes with the largest remainders
 * (equal ones: the lower class first). So each class differs from its exact share by less than one
 * image. Within a class all choices are equally likely. */
#ifndef SAM_DATASET_SPLIT_H
#define SAM_DATASET_SPLIT_H

#include <stdint.h>

#include "base/error.h"
#include "dataset/images.h"

/* Indices into the images split, ascending. */
struct sam_split {
    uint32_t *train, *validation;
    uint32_t train_count, validation_count;
};

/* First the validation part is taken: the nearest whole number to val_fraction of the images
 * (0 <= val_fraction < 1); then, with train_size > 0, that many of the rest for training, else all
 * of it. The choice depends on `seed`, and the validation part not on train_size. Errors: SAM_USAGE
 * if there are not that many, or a part other than validation would be empty. The caller frees. */
int sam_split_new(const struct sam_images *images, int classes, double val_fraction,
                  uint32_t train_size, uint64_t seed, struct sam_split *split,
                  struct sam_error *error);
void sam_split_free(struct sam_split *split);

#endif
