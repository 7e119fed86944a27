/* trial - whether a file's bytes are had faster as they lie mapped, or as copies that are read:
 * each is twice as fast as the other on some machine, and it depends on how large the page cache's
 * pieces of the file are. So the first chunks go both ways, in turn, and the rest the faster one.
 * Both give the same bytes. Inside this room. */
#ifndef SAM_STREAM_TRIAL_H
#define SAM_STREAM_TRIAL_H

#include <stdbool.h>

#include "base/error.h"

struct sam_trial;

/* The caller frees with sam_trial_free(); NULL with `error` filled. */
struct sam_trial *sam_trial_new(struct sam_error *error);
void sam_trial_free(struct sam_trial *trial);

/* Whether chunks are to be mapped: true as long as nothing else is known. */
bool sam_trial_maps(const struct sam_trial *trial);

/* A chunk on its way. */
struct sam_trial_turn {
    bool mapped; /* its way */
    int number;  /* in the trial; -1: it is not in it */
    double start;
};

/* Begins a chunk. Those of a trial must have equally many bytes; `fit` says whether this one has as
 * many as the others. Threads may have chunks on the way at once. */
struct sam_trial_turn sam_trial_begin(struct sam_trial *trial, bool fit);

/* Ends it, when its bytes have been looked at: a mapped page is fetched only then. After the last
 * chunk of the trial the faster way is known: the one with the lower median time. */
void sam_trial_end(struct sam_trial *trial, const struct sam_trial_turn *turn);

#endif
