/* predictions - which test images a trained network answers correctly: for paired tests (McNemar's)
 * between runs. */
#ifndef SAM_TRAIN_PREDICTIONS_H
#define SAM_TRAIN_PREDICTIONS_H

#include <stdio.h>

#include "base/error.h"
#include "train/run.h"

/* Writes a table, one row a test image in the data set's order: image (from 0), label, final and
 * best: 1 if the last weights, or the best on the validation images, are right about it, else 0;
 * best is empty without validation. `name` is the file's, for messages. */
int sam_predictions_write(struct sam_run *run, FILE *file, const char *name,
                          struct sam_error *error);

#endif
