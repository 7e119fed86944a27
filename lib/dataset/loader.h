/* loader - minibatches: the order of an epoch, and the images as the network takes them. */
#ifndef SAM_DATASET_LOADER_H
#define SAM_DATASET_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "dataset/augment.h"
#include "dataset/dataset.h"

/* The order of the images in an epoch: `order` (count) becomes a permutation of `indices` that
 * depends on (seed, epoch) alone. */
void sam_loader_order(const uint32_t *indices, uint32_t count, uint64_t seed, uint32_t epoch,
                      uint32_t *order);

/* What decides how augmentation makes an image look. */
struct sam_loader_chance {
    uint64_t seed;
    uint32_t epoch;
    bool drawn;     /* false: (seed, epoch, the image's index) alone; true: (seed, epoch, number of
                     * the draw) alone, so that an image that comes twice looks different */
    uint32_t first; /* if drawn: the number of the minibatch's first draw, the others follow */
};

/* Makes the minibatch of images `indices` (batch): `out` (batch, channels, 32, 32), augmented as
 * `chance` says and normalised, and `labels` (batch). */
void sam_loader_batch(const struct sam_dataset *dataset, const struct sam_images *images,
                      const uint32_t *indices, int batch, const struct sam_augment *augment,
                      const struct sam_loader_chance *chance, struct sam_pool *pool, float *out,
                      uint8_t *labels);

/* Identity of a minibatch: XXH3-64 of its indices as little-endian 32-bit words. */
uint64_t sam_loader_identity(const uint32_t *indices, int batch);

#endif
