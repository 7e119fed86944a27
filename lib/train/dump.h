/* dump - gradient records of chosen steps, written to a file, a pipe or standard output. */
#ifndef SAM_TRAIN_DUMP_H
#define SAM_TRAIN_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/ranges.h"
#include "nn/arch.h"
#include "stream/writer.h"
#include "train/step.h"

/* Which steps are dumped: a step that any member names; all, where none names any. */
struct sam_dump_choice {
    uint64_t every;           /* steps divisible by this; 0: none */
    struct sam_ranges steps;  /* these */
    struct sam_ranges epochs; /* the last of these epochs */
};

/* From --dump-every, --dump-steps and --dump-epochs ("all" in a list: every one); refuses
 * (SAM_USAGE) those that a run of settings->epochs epochs of `per_epoch` steps never reaches. The
 * caller frees with sam_dump_choice_free(). */
int sam_dump_choice_init(struct sam_dump_choice *choice, const struct sam_settings *settings,
                         uint32_t per_epoch, struct sam_error *error);
void sam_dump_choice_free(struct sam_dump_choice *choice);
bool sam_dump_choice_has(const struct sam_dump_choice *choice, uint64_t step, uint32_t epoch,
                         bool last_of_epoch);

/* Where the records go. */
struct sam_dump {
    const char *path; /* the caller's; NULL: nothing is dumped */
    FILE *file;
    bool seekable; /* a regular file: it has a position to come back to */
    struct sam_writer *writer;
    struct sam_writer_parameter *parameters;
    size_t parameter_count;
};

/* What a checkpoint knows of a regular file, to know it again. */
struct sam_dump_mark {
    uint64_t bytes; /* its length; 0: there is none */
    uint64_t tail;  /* XXH3-64 of its last 4,096 bytes, or of all if it has fewer */
};

/* Opens `path` ("-": standard output) for the records of a network, whose tables must outlive the
 * dump. A regular file that does not begin with what bears `mark` is refused: it is shorter, or has
 * another run's records. What it holds stays until sam_dump_cut(). */
int sam_dump_open(struct sam_dump *dump, const char *path, struct sam_dump_mark mark,
                  const struct sam_arch_tables *tables, struct sam_error *error);

/* Cuts a regular file to `position` bytes, behind which the records go: to be called before them,
 * when nothing else keeps the run from beginning. */
int sam_dump_cut(struct sam_dump *dump, uint64_t position, struct sam_error *error);

/* What stands in a record's metadata besides what `result` has. */
struct sam_dump_labels {
    uint64_t step;
    uint32_t epoch;
    double rho, lr;
    uint32_t batch_size;
    uint64_t batch, seed;
    const char *run; /* NULL: unnamed */
};
int sam_dump_write(struct sam_dump *dump, const struct sam_dump_labels *labels,
                   const struct sam_step_result *result, const float *current,
                   const float *perturbed, struct sam_error *error);

/* Makes what was written durable and tells what the file is now; {0} where that means nothing. */
int sam_dump_sync(struct sam_dump *dump, struct sam_dump_mark *mark, struct sam_error *error);

/* Closes the file, unless it is standard output, which is only flushed. */
int sam_dump_close(struct sam_dump *dump, struct sam_error *error);

#endif
