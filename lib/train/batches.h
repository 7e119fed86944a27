/* batches - the images of a run: which are trained on, in what minibatches, and how the others are
 * evaluated. */
#ifndef SAM_TRAIN_BATCHES_H
#define SAM_TRAIN_BATCHES_H

#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "dataset/loader.h"
#include "dataset/split.h"
#include "nn/engine.h"
#include "train/model.h"
#include "train/settings.h"

struct sam_batches {
    struct sam_dataset dataset;
    struct sam_split split;
    struct sam_augment augment, validation_augment;
    struct sam_pool *pool;
    uint64_t seed;
    uint32_t size;        /* images in a minibatch; the last of an epoch may have fewer */
    uint64_t fingerprint; /* XXH3-64 of all pixels and labels */

    uint32_t *order;      /* (train_count): the training images in the order of ... */
    uint32_t order_epoch; /* this epoch; 0: none yet */

    /* The minibatch at hand. */
    float *images;   /* (size, channels, 32, 32) */
    uint8_t *labels; /* (size) */
    uint32_t count;
    uint64_t identity; /* of its images: sam_loader_identity() */
};

/* Reads the data set and splits it. The pool stays the caller's. The caller frees, also after a
 * failure. */
int sam_batches_init(struct sam_batches *batches, const struct sam_settings *settings,
                     struct sam_pool *pool, struct sam_error *error);
void sam_batches_free(struct sam_batches *batches);

/* Minibatches in an epoch: the last, smaller one counts, also where it is the only one. */
uint32_t sam_batches_per_epoch(const struct sam_batches *batches);

/* Makes minibatch `index` (from 0) of `epoch` (from 1) the one at hand. */
void sam_batches_take(struct sam_batches *batches, uint32_t epoch, uint32_t index);

/* Makes one of these training images (indices in the data set, count <= size), augmented as in
 * `epoch`. */
void sam_batches_choose(struct sam_batches *batches, uint32_t epoch, const uint32_t *indices,
                        uint32_t count);

/* Makes minibatch `index` (from 0) of independent draws the one at hand: each of its images is any
 * of the training images, equally likely, and augmented for itself, so that one that comes twice
 * looks different. Another size is another sequence: else the smaller would be the beginning of the
 * larger. `room` (size) receives the indices. */
void sam_batches_draw(struct sam_batches *batches, uint32_t epoch, uint32_t index, uint32_t *room);

/* Loss and accuracy over many images, in evaluation mode. */
struct sam_batches_score {
    double loss;     /* mean */
    double accuracy; /* percent */
};

/* Returns true to give up. */
typedef bool sam_batches_stop(void *context);

/* Evaluates the validation images (augmented as in `epoch` if the settings say so) or the test
 * images, where right (test images) becomes 1 for a correct answer, else 0. `stop` is asked after
 * every minibatch. Returns 0, or 1 if it was told to give up. The minibatch at hand is lost. */
int sam_batches_validate(struct sam_batches *batches, struct sam_engine *engine,
                         const struct sam_model *model, uint32_t epoch, sam_batches_stop *stop,
                         void *context, struct sam_batches_score *score);
int sam_batches_test(struct sam_batches *batches, struct sam_engine *engine,
                     const struct sam_model *model, sam_batches_stop *stop, void *context,
                     struct sam_batches_score *score, uint8_t *right);

#endif
