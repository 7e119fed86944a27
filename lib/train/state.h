/* state - where a run is, and what a checkpoint's metadata say of it and of its settings. */
#ifndef SAM_TRAIN_STATE_H
#define SAM_TRAIN_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/safetensors.h"
#include "train/settings.h"

/* A run between two steps. */
struct sam_state {
    uint64_t epoch;      /* the epoch under way, from 1; epochs + 1 when the run is done */
    uint64_t epoch_step; /* steps taken in it */
    uint64_t step;       /* steps taken in all */

    /* Of the epoch under way: sums over its images of what the first pass gave, and the norms at
     * its last step, NaN before. */
    double loss_sum;
    uint64_t correct, images;
    double gradient_norm, perturbed_gradient_norm, weight_norm;

    /* Of the epoch that ended last, and of the one with the best validation accuracy (the first of
     * equals; best_epoch is 0 while there is none): NaN where not measured; accuracies in percent.
     */
    double val_accuracy, test_loss, test_accuracy;
    uint64_t best_epoch;
    double best_val_accuracy, best_test_loss, best_test_accuracy;

    uint64_t dump_bytes, dump_tail; /* the dump file: struct sam_dump_mark */
    uint64_t fingerprint;           /* of the data set: sam_batches.fingerprint */
};

/* The start of a run. */
struct sam_state sam_state_start(void);

/* Metadata, owned; sam_state_meta_free() frees it. */
struct sam_state_meta {
    struct sam_meta *list;
    size_t count;
};

/* All metadata of a checkpoint: the settings that make its results, as "--NAME"; the state; the
 * `rows` of the table of epochs (train/history.h). */
int sam_state_meta_init(struct sam_state_meta *meta, const struct sam_state *state,
                        const struct sam_settings *settings, const char *rows,
                        struct sam_error *error);
void sam_state_meta_free(struct sam_state_meta *meta);

/* Reads the state back; `path` is for messages. */
int sam_state_read(const struct sam_header *header, const char *path, struct sam_state *state,
                   struct sam_error *error);
const char *sam_state_rows(const struct sam_header *header);

/* How the settings of a checkpoint and those of the command line come together. */
enum sam_state_merge {
    SAM_STATE_SAME,    /* a resumed run: all must be the same; SAM_USAGE names both values */
    SAM_STATE_FILL,    /* likewise, but those not given are taken from the checkpoint */
    SAM_STATE_REPLACE, /* those not given are taken from the checkpoint, those given stay */
};
int sam_state_merge(const struct sam_header *header, const char *path, enum sam_state_merge how,
                    struct sam_settings *settings, struct sam_error *error);

#endif
