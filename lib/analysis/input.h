/* input - what the analysis tools read: the records of all operands, one after the other, with the
 * wanted parameters of each sorted into the groups that rows are about.
 *
 *     struct sam_input *input = sam_input_new(&options, accepts, error);
 *     while ((got = sam_input_next(input, error)) == 1) {
 *         sam_input_visit(input, on_chunk, context, error);
 *         for each group: one row (analysis/rows.h)
 *     }
 */
#ifndef SAM_ANALYSIS_INPUT_H
#define SAM_ANALYSIS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/options.h"
#include "base/error.h"
#include "stream/reader.h"

/* What a tool can work with; flags. */
enum sam_input_accepts {
    SAM_INPUT_ANY = 0,
    SAM_INPUT_GRADIENTS = 1, /* gradient records only: class records are refused */
    SAM_INPUT_SAME = 2,      /* the wanted parameters of all records are the first one's */
};

struct sam_group {
    const char *name; /* of the tensor or the kind; NULL by record */
    uint64_t parameters;
};

/* A pair that no row is about. */
#define SAM_INPUT_UNWANTED SIZE_MAX

/* The record at hand; valid until the next sam_input_next(). */
struct sam_input {
    const struct sam_record *record;
    uint64_t number; /* of the record, over all operands, from 1 */
    uint64_t step;   /* its step; `number` where the metadata have none */

    /* Rows are about groups, in order: one, or the tensors in the order of their data (of the first
     * record's data with SAM_INPUT_SAME), or the kinds that occur in the order of enum sam_kind. */
    struct sam_group *groups;
    size_t group_count;
    size_t *group_of;    /* per pair of the record: its group, or SAM_INPUT_UNWANTED */
    size_t *slot_of;     /* per wanted pair: its place among the wanted pairs (of the first record
                            with SAM_INPUT_SAME), from 0 */
    size_t slot_count;   /* wanted pairs */
    uint64_t parameters; /* of all wanted pairs */
};

/* Opens nothing yet. `options` must outlive the input. */
struct sam_input *sam_input_new(const struct sam_options *options, enum sam_input_accepts accepts,
                                struct sam_error *error);
void sam_input_free(struct sam_input *input);

/* The next record: 1, or 0 behind the last one of the last operand, or -1. A record without any
 * parameter that --tensors matches is refused. */
int sam_input_next(struct sam_input *input, struct sam_error *error);

/* Visits the wanted pairs (stream/reader.h), any number of times where sam_input_repeats(). */
int sam_input_visit(struct sam_input *input, sam_reader_visitor *visit, void *context,
                    struct sam_error *error);

/* The same, of chunks that are prepared, for which `preparation` may rely on the input. With
 * `some`, per pair of the record, only of those of the wanted pairs for which it is set. */
int sam_input_visit_prepared(struct sam_input *input, const bool *some,
                             const struct sam_preparation *preparation, sam_reader_visitor *visit,
                             void *context, struct sam_error *error);
bool sam_input_repeats(const struct sam_input *input);

/* Fills `error` with "FILE: record N at byte B: " and the text, and returns -1. */
int sam_input_fail(const struct sam_input *input, struct sam_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
