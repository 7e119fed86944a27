/* run - a training run: the data, the network, the optimizer, where it is, and what it writes.
 *
 * An epoch goes through all training images once, in minibatches of an order of its own; the last,
 * smaller one counts. After its steps the validation images are evaluated (and the test images, as
 * often as the settings say), a row is added to the table of epochs, the checkpoint is saved. What
 * a run computes depends on its settings alone: it may stop between any two steps and be continued.
 */
#ifndef SAM_TRAIN_RUN_H
#define SAM_TRAIN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "train/batches.h"
#include "train/checkpoint.h"
#include "train/dump.h"
#include "train/history.h"
#include "train/model.h"
#include "train/profile.h"
#include "train/settings.h"
#include "train/state.h"
#include "train/step.h"

struct sam_run;

/* What a tool may want to see and say while a run goes on. Members may be NULL. */
struct sam_run_observer {
    void *context;
    /* After each step. */
    void (*progress)(void *context, const struct sam_run *run);
    /* Asked after each step and each minibatch evaluated: true stops the run. */
    bool (*stop)(void *context);
};

/* Which test images some weights answer correctly. */
struct sam_run_answers {
    uint8_t *right; /* (test images): 1 where the answer is correct, else 0; the run's */
    bool known;     /* of the weights as they are now */
};

struct sam_run {
    struct sam_settings *settings; /* the caller's; kernels "auto" is replaced by their name */
    struct sam_pool *pool;
    struct sam_batches batches;
    struct sam_model model;
    struct sam_model best; /* weights of state.best_epoch; parameters NULL without validation */
    struct sam_run_answers answers, best_answers;
    struct sam_engine *engine;
    struct sam_profile profile;
    struct sam_step *step;
    struct sam_state state;
    struct sam_step_result last; /* of the latest step */

    struct sam_history history;
    struct sam_dump dump;
    struct sam_dump_choice choice;
    bool best_changed; /* since the last save */
    struct sam_run_observer observer;
};

/* Reads data and builds everything; with a checkpoint, as it was when that was saved. Starts
 * writing nothing. The settings have been checked (train/conflicts.h) and must outlive the run. The
 * caller frees with sam_run_free(), also after a failure. */
int sam_run_init(struct sam_run *run, struct sam_settings *settings,
                 const struct sam_checkpoint *checkpoint, struct sam_error *error);
void sam_run_free(struct sam_run *run);

/* Replaces the weights, and the running statistics where the file has them, by those of a file. */
int sam_run_load(struct sam_run *run, const char *path, struct sam_error *error);

/* A further engine for the run's network and minibatches, on its pool. The caller frees. */
struct sam_engine *sam_run_engine(const struct sam_run *run, const char *kernels,
                                  struct sam_error *error);

/* Opens the table and the dump. Without --log the table goes to standard output, or nowhere when
 * standard output has the dump. */
int sam_run_open(struct sam_run *run, struct sam_error *error);

/* Trains from where the run is to its end. Returns 0; 1 if the observer stopped it, with its
 * checkpoint saved; or -1, which is SAM_DIVERGED if a loss was not finite. */
int sam_run_train(struct sam_run *run, const struct sam_run_observer *observer,
                  struct sam_error *error);

/* Steps of the whole run. */
uint64_t sam_run_steps(const struct sam_run *run);

/* Evaluates the test images with the best weights, if there are some and it was not done in their
 * epoch: state.best_test_loss and best_test_accuracy. */
void sam_run_test_best(struct sam_run *run);

/* Sees to it that run->answers, and if there are best weights run->best_answers, are known. */
void sam_run_answer(struct sam_run *run);

/* Makes the minibatch that training would take next the one at hand. Where the epoch has no steps
 * left, the next one begins, without an end of the old one: no evaluation, no row of the table. */
void sam_run_take(struct sam_run *run);

/* Takes it and trains on it; its gradients are dumped if `dump` is set, or the settings say so. */
int sam_run_step(struct sam_run *run, bool dump, struct sam_error *error);

/* Takes it and passes by: what is computed in between, the weights do not move. */
void sam_run_pass(struct sam_run *run);

/* Writes the gradients of the minibatch at hand, of which `result` tells, as step `step` of
 * `epoch`. */
int sam_run_dump(struct sam_run *run, uint64_t step, uint64_t epoch,
                 const struct sam_step_result *result, struct sam_error *error);

/* Closes what sam_run_open() opened; a write that did not reach its file is an error. */
int sam_run_close(struct sam_run *run, struct sam_error *error);

#endif
