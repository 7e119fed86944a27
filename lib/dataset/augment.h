/* augment - the notes' augmentation of one image, in the notes' order:
 *
 *   1. crop: 32x32 out of the image with 4 black pixels of padding on each side, top and left
 *      uniform on 0 .. 8;
 *   2. flip left to right with p = 1/2;
 *   3. normalise: (pixel/255 - mean) / sd, so that the padding is black, not mean grey;
 *   4. Cutout with p = 1/2: a box of 16x16, left and top uniform on -8 .. 23, clipped at the
 * image's edges, is set to 0, which is the mean (T. DeVries, G. W. Taylor, "Improved regularization
 * of convolutional neural networks with Cutout", 2017, arXiv:1708.04552). */
#ifndef SAM_DATASET_AUGMENT_H
#define SAM_DATASET_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "dataset/dataset.h"

/* What is switched on; normalising always is. */
struct sam_augment {
    bool crop, flip, cutout;
};

/* Parses "none", "all" (the notes'), or a list of "crop,flip,cutout". SAM_USAGE on anything else.
 */
int sam_augment_parse(const char *text, struct sam_augment *augment, struct sam_error *error);

/* The normalised value of every byte in every channel, computed in single precision as
 * (byte / 255 - mean) / sd. */
struct sam_augment_values {
    float of[SAM_DATASET_CHANNELS_MAX][256];
};
void sam_augment_normalise(const struct sam_dataset *dataset, struct sam_augment_values *values);

/* Augments `pixels` (channels, 32, 32) into `out` (channels, 32, 32). Six numbers are drawn from
 * `rng`, in this order, whatever is switched on: crop's top and left; flip; Cutout's coin, top and
 * left. So switching one step off changes nothing in the others. */
void sam_augment_image(const struct sam_augment *augment, const struct sam_augment_values *values,
                       const uint8_t *pixels, int channels, struct sam_rng *rng, float *out);

#endif
