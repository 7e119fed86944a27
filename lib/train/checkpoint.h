/* checkpoint - a run's weights and state in files that agree, whenever the machine stops.
 *
 * Three files: FILE, the weights (parameters and buffers, nothing else); FILE.state, the momentum
 * as tensors momentum/NAME and all else as metadata; FILE.best, the weights that were the best on
 * the validation images, once there are some. All are safetensors.
 *
 * The state names the XXH3-64 of the two weights' data, and has that of its own. New files are
 * written beside the old ones under NAME.next and made durable; then FILE.next is renamed to FILE,
 * and after it FILE.best.next and FILE.state.next. The first renaming is the moment at which the
 * new checkpoint replaces the old one: before it, FILE and FILE.state are the old pair; after it,
 * the state that names FILE's hash is FILE.state.next until it has been renamed too, and
 * sam_checkpoint_load() looks there first. Loading changes no file, so that others may read while a
 * run saves; who goes on with the run gives the names that are missing. (Where the weights did not
 * change since the old checkpoint, as between the last step of an epoch and its evaluation,
 * FILE.state.next counts from the moment it is whole.) */
#ifndef SAM_TRAIN_CHECKPOINT_H
#define SAM_TRAIN_CHECKPOINT_H

#include "base/error.h"
#include "stream/safetensors.h"
#include "stream/weights.h"
#include "train/model.h"

/* What is saved. Everything stays the caller's. */
struct sam_checkpoint_content {
    const struct sam_model *model;
    const float *momentum;        /* (n) */
    const struct sam_model *best; /* NULL: there is none */
    bool best_changed;            /* since the last save; else FILE.best is left as it is */
    const struct sam_meta *meta;  /* of the state, values not NULL */
    size_t meta_count;
};

/* Replaces the checkpoint at `path`. After an error sam_checkpoint_load() finds the old one, or the
 * new one whole. */
int sam_checkpoint_save(const char *path, const struct sam_checkpoint_content *content,
                        struct sam_error *error);

/* What is loaded. The caller frees with sam_checkpoint_free(). */
struct sam_checkpoint {
    char *path;
    struct sam_weights weights, state, best;
    bool has_best;
    bool state_is_next, best_is_next; /* read from FILE.state.next, FILE.best.next */
};

/* Loads the checkpoint at `path`. Returns 0; 1 if there is none (no such file); or -1 if there is
 * one that cannot be used. */
int sam_checkpoint_load(const char *path, struct sam_checkpoint *checkpoint,
                        struct sam_error *error);
void sam_checkpoint_free(struct sam_checkpoint *checkpoint);

/* Gives the files that were read as NAME.next their names, which a stopped machine could not: to be
 * called before the checkpoint is saved anew, which would overwrite them. */
int sam_checkpoint_settle(const struct sam_checkpoint *checkpoint, struct sam_error *error);

/* Copies the momentum (n) of a network. */
int sam_checkpoint_momentum(const struct sam_checkpoint *checkpoint,
                            const struct sam_arch_tables *tables, float *momentum,
                            struct sam_error *error);

#endif
