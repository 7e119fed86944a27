/* dataset - image sets in memory, as bytes, and how they are split.
 *
 * Images are (N, channels, 32, 32) bytes, channel planes one after the other as in CIFAR files.
 * Fashion-MNIST's 28x28 images stand in the middle of a 32x32 black field: then every dataset gives
 * the network the same shapes as the notes' (32, 16, 8, 4), and no layer needs a special case. */
#ifndef SAM_DATASET_DATASET_H
#define SAM_DATASET_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SAM_DATASET_IMAGE = 32 };

struct sam_images {
    uint8_t *pixels; /* (count, channels, 32, 32) */
    uint8_t *labels; /* (count) */
    uint32_t count;
};

struct sam_dataset {
    int channels, classes;
    float mean[3], sd[3]; /* of pixel/255, by channel: what normalises */
    struct sam_images train, test;
};

/* The names for --dataset, NULL-terminated: "fashion-mnist", "cifar10", "cifar100". */
const char *const *sam_dataset_names(void);

/* The folder that Debian's package installs Fashion-MNIST to; NULL for the other sets. */
const char *sam_dataset_default_folder(const char *name);

/* Channels and classes without reading anything; -1 (SAM_USAGE) for an unknown name. */
int sam_dataset_shape(const char *name, int *channels, int *classes, struct sam_error *error);

/* Reads a set. Refuses, naming file, image number, the value seen and wanted: a file of another size
 * than its records, a label outside the classes, an empty or missing file. */
int sam_dataset_load(const char *name, const char *folder, struct sam_dataset *dataset,
                     struct sam_error *error);
void sam_dataset_free(struct sam_dataset *dataset);

/* Which images train and which validate: indices into dataset.train, ascending. Stratified: the
 * class counts of each part differ from exact proportion by less than one image. */
struct sam_split {
    uint32_t *train, *validation;
    uint32_t train_count, validation_count;
};

/* First the validation part is taken (val_fraction of each class, 0 <= val_fraction < 1), then, with
 * train_size > 0, a stratified subset of that many of the rest. Errors: SAM_USAGE if there are not
 * that many, or a part other than validation would be empty. The caller frees. */
int sam_split_new(const struct sam_images *images, int classes, double val_fraction,
                  uint32_t train_size, uint64_t seed, struct sam_split *split,
                  struct sam_error *error);
void sam_split_free(struct sam_split *split);

#endif
