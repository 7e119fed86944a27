/* loader - minibatches: order of an epoch, augmentation, normalisation. */
#ifndef SAM_DATASET_LOADER_H
#define SAM_DATASET_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "dataset/dataset.h"

/* The notes' augmentation, in the notes' order (protocol: "augmentation, in order"): crop of 32 from
 * 4 black pixels of padding; horizontal flip with p = 1/2; normalise; Cutout: with p = 1/2 a 16x16
 * box with left and top uniform on -8 .. 23, clipped, set to 0 after normalising. */
struct sam_augment {
    bool crop, flip, cutout;
};

/* Parses "none", "all" (the notes'), or a list of "crop,flip,cutout". SAM_USAGE on anything else. */
int sam_augment_parse(const char *text, struct sam_augment *augment, struct sam_error *error);

/* The order of the images in an epoch: `order` (count) becomes a permutation of `indices` that
 * depends on (seed, epoch) alone. */
void sam_loader_order(const uint32_t *indices, uint32_t count, uint64_t seed, uint32_t epoch,
                      uint32_t *order);

/* Makes the minibatch of images `indices` (batch): images (batch, channels, 32, 32) normalised
 * floats, labels (batch). What happens to an image depends on (seed, epoch, its index) alone. */
void sam_loader_batch(const struct sam_dataset *dataset, const struct sam_images *images,
                      const uint32_t *indices, int batch, const struct sam_augment *augment,
                      uint64_t seed, uint32_t epoch, struct sam_pool *pool, float *out,
                      uint8_t *labels);

/* Identity of a minibatch: XXH3-64 of its indices as little-endian 32-bit words. */
uint64_t sam_loader_identity(const uint32_t *indices, int batch);

#endif
