/* history - the table of epochs: columns as in interfaces, one row an epoch.
 *
 * The rows are kept in memory as text, without their last column `seconds`, which is the only one
 * that two runs of the same settings do not share: so a checkpoint can carry them, and a resumed
 * run writes the whole table again, wherever it goes. The seconds of earlier rows are taken over
 * from the file that is written, where it has them; elsewhere they are empty. */
#ifndef SAM_TRAIN_HISTORY_H
#define SAM_TRAIN_HISTORY_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* One epoch. NaN in the losses and accuracies of validation and test, and in the perturbed norm,
 * means not measured, an empty field. Accuracies in percent; norms at the epoch's last step, of the
 * weights that this step started from. */
struct sam_history_row {
    uint32_t epoch;
    uint64_t step; /* steps taken at its end */
    double lr, train_loss, train_accuracy, val_loss, val_accuracy, test_loss, test_accuracy,
        gradient_norm, perturbed_gradient_norm, weight_norm;
    double seconds;
};

struct sam_history {
    char *rows; /* lines of all columns but the last, each with its newline; NULL: none */
    const char *path;
    FILE *file; /* NULL: the table is not written */
};

/* Starts from `rows` (copied; NULL: none), as a checkpoint had them. The caller frees with
 * sam_history_close(), also after a failure. */
int sam_history_init(struct sam_history *history, const char *rows, struct sam_error *error);

/* Writes the table so far to `path` (NULL or "-": standard output), where later rows will follow. A
 * `path` that is kept must outlive the history. */
int sam_history_open(struct sam_history *history, const char *path, struct sam_error *error);

/* Appends a row, and writes it. */
int sam_history_add(struct sam_history *history, const struct sam_history_row *row,
                    struct sam_error *error);

/* Makes what was written durable. */
int sam_history_sync(struct sam_history *history, struct sam_error *error);

/* Closes the file, unless it is standard output, and frees. */
int sam_history_close(struct sam_history *history, struct sam_error *error);

#endif
