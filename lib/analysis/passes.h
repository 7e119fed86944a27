/* passes - the gradients of the record at hand as often as wanted.
 *
 * A regular file is read again for each pass. A pipe comes once: its record is held, 8 bytes a
 * parameter (16 in double precision), in memory that serves one record after the other. */
#ifndef SAM_ANALYSIS_PASSES_H
#define SAM_ANALYSIS_PASSES_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/input.h"
#include "base/error.h"
#include "base/memory.h"
#include "stream/reader.h"

struct sam_passes {
    struct sam_input *input;     /* of gradient records; to be set by the caller, the rest zero */
    struct sam_arena *arena;     /* for what is held of a pipe's record */
    unsigned char *(*held)[2];   /* per pair: current, perturbed */
    struct sam_arena *preparing; /* for what is prepared of one chunk of what is held */
};

/* The first pass over a record: sam_input_visit_prepared(), and holding where that is needed. */
int sam_passes_first(struct sam_passes *passes, const struct sam_preparation *preparation,
                     sam_reader_visitor *visit, void *context, struct sam_error *error);

/* A further pass over the same record: the same elements in the same order; with `some`, per pair
 * of the record, only those of the wanted pairs for which it is set. */
int sam_passes_again(struct sam_passes *passes, const bool *some,
                     const struct sam_preparation *preparation, sam_reader_visitor *visit,
                     void *context, struct sam_error *error);

/* Frees what is held. */
void sam_passes_free(struct sam_passes *passes);

#endif
