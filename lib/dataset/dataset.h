/* dataset - labelled image sets in memory, as bytes.
 *
 * Images are (N, channels, 32, 32) bytes, channel planes one after the other as in CIFAR files.
 * Fashion-MNIST's 28x28 images stand in the middle of a 32x32 black field: then every dataset gives
 * the network the same shapes as the notes' (32, 16, 8, 4), and no layer needs a special case. */
#ifndef SAM_DATASET_DATASET_H
#define SAM_DATASET_DATASET_H

#include "base/error.h"
#include "dataset/images.h"

enum { SAM_DATASET_CHANNELS_MAX = 3, SAM_DATASET_CLASSES_MAX = 100 };

struct sam_dataset {
    int channels, classes;
    float mean[SAM_DATASET_CHANNELS_MAX],
        sd[SAM_DATASET_CHANNELS_MAX]; /* of pixel/255: normalise */
    struct sam_images train, test;
};

/* The folder that Debian's package installs Fashion-MNIST to; NULL for the other sets. */
const char *sam_dataset_default_folder(const char *name);

/* Channels and classes without reading anything; -1 (SAM_USAGE) for an unknown name. */
int sam_dataset_shape(const char *name, int *channels, int *classes, struct sam_error *error);

/* Reads a set. Refuses, naming file, image number (from 0) and byte, the value seen and wanted: a
 * file of another size than its records, a label outside the classes, an empty or missing file.
 * On failure nothing is left to free. */
int sam_dataset_load(const char *name, const char *folder, struct sam_dataset *dataset,
                     struct sam_error *error);
void sam_dataset_free(struct sam_dataset *dataset);

#endif
