/* info - what a run was and what came out, as one JSON object, for people and for provenance. */
#ifndef SAM_TRAIN_INFO_H
#define SAM_TRAIN_INFO_H

#include <stdio.h>

#include "base/error.h"
#include "train/run.h"

/* Writes {"version", "status", "settings": {NAME: text}, "kernels", "threads", "parameters",
 * "dataset": {"xxh3", "train", "validation", "test"}, "steps", "epochs", "final": {"val_accuracy",
 * "test_loss", "test_accuracy"}, "best": {"epoch", ...}}; what was not measured is null. `status`
 * is "done", "stopped" or "diverged". */
int sam_info_write(const struct sam_run *run, const char *status, FILE *file, const char *name,
                   struct sam_error *error);

#endif
