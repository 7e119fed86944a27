/* probe - the gradients at a run's weights, without training it on. */
#ifndef SAM_TRAIN_PROBE_H
#define SAM_TRAIN_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "train/indices.h"
#include "train/run.h"

/* What to do. */
struct sam_probe {
    uint64_t batches;                 /* as many minibatches, those that training would see next */
    bool moves;                       /* and train on each; else the weights stay */
    bool replacement;                 /* minibatches drawn with replacement instead: see below */
    const struct sam_indices *chosen; /* these minibatches instead, in order; NULL: none */
    const char *floor; /* compare with these kernels (train/floor.h) instead of dumping; NULL: no */
};

/* Writes one record, or one row of the floor's table, a minibatch to standard output. A record's
 * step is the one that training would take next, and so on upwards.
 *
 * With `replacement` every image of every minibatch is drawn from all training images, equally
 * likely and independently of the others, as is what augmentation does to it, as (seed, size of the
 * minibatch, epoch, number of the minibatch, place in it) say. The minibatches that training sees
 * are not independent: no image of an epoch comes twice, so that the mean over many
 * of them varies less than its standard error says. */
int sam_probe_run(struct sam_run *run, const struct sam_probe *probe, struct sam_error *error);

#endif
