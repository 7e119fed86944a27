/* profile - where the time of a run goes, by part. */
#ifndef SAM_TRAIN_PROFILE_H
#define SAM_TRAIN_PROFILE_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "nn/engine.h"

/* The parts of a run. Those up to SAM_PROFILE_STEP are parts of a training step, and the engine
 * does the first two. */
enum sam_profile_part {
    SAM_PROFILE_CURRENT,   /* first pass: loss and g */
    SAM_PROFILE_PERTURBED, /* second pass: gp */
    SAM_PROFILE_DATA,      /* loading and augmenting the minibatch */
    SAM_PROFILE_MOVE,      /* ||g||, and w + e */
    SAM_PROFILE_CONTROL,   /* what a control does to classes or ratios, and its norms */
    SAM_PROFILE_UPDATE,    /* classes, table, weight decay, momentum, new weights */
    SAM_PROFILE_NORMS,     /* norms that only tables and records ask for */
    SAM_PROFILE_STEP = SAM_PROFILE_NORMS,
    SAM_PROFILE_EVALUATE,
    SAM_PROFILE_DUMP,
    SAM_PROFILE_CHECKPOINT,
    SAM_PROFILE_PARTS,
};

/* Zero to start with. */
struct sam_profile {
    double seconds[SAM_PROFILE_PARTS];
    uint64_t steps, images;
};

/* Adds the time since `start` (of sam_timing_now()) to a part, and returns the time now: the start
 * of the next part. */
double sam_profile_add(struct sam_profile *profile, enum sam_profile_part part, double start);

/* Writes the table: part,seconds,percent,gflops. `percent` is of the training steps' time;
 * `gflops`, of the textbook algorithm, has a value for the engine's entries, which follow as
 * "engine: NAME" and also cover evaluation. */
int sam_profile_write(const struct sam_profile *profile, const struct sam_engine *engine,
                      FILE *file, struct sam_error *error);

#endif
