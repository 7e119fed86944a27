/* class-transitions - how parameters move between the ratio classes from record to record
 *
 * In: gradient or class records, all of the same parameters. Out: a table, one row a record
 * (tensor, kind) from the second on: the 5 by 5 counts of parameters by their class in the record
 * before and in this one. With two records of one minibatch, computed in two ways, the counts off
 * the diagonal are the classes that rounding decides.
 *
 * Holds one byte a parameter: the classes in the record before. */
#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/classes.h"
#include "analysis/input.h"
#include "analysis/options.h"
#include "analysis/rows.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/tool.h"
#include "geometry/transitions.h"

struct params {
    struct sam_options common;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct params *params = state->input;
    (void)argument;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = &params->common;
    return 0;
}

/* --- A record --------------------------------------------------------------------------------- */

struct work {
    const struct params *params;
    struct sam_input *input;
    struct sam_csv csv;
    uint8_t *before;  /* the classes of the record before, slot by slot */
    size_t *first_of; /* per slot: its place there */
    uint64_t step_before;
    struct sam_transitions *tables; /* per group */
};

/* What is made of a chunk. */
struct prepared {
    struct sam_classified classified;
    struct sam_transitions moves;
};

/* The classes from the record before give way to those found: a chunk's own piece, which no other
 * chunk touches. */
static int prepare(const void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct work *work = context;
    const struct sam_input *input = work->input;
    const struct sam_classes classes = {.input = input};
    struct prepared *prepared = chunk->prepared;
    if (sam_classes_find(&classes, chunk, &prepared->classified, error))
        return -1;
    const uint8_t *found = prepared->classified.classes;
    uint8_t *before = work->before + work->first_of[input->slot_of[chunk->pair]] + chunk->first;
    prepared->moves = (struct sam_transitions){0};
    if (input->number > 1)
        sam_transitions_count(&prepared->moves, before, found, chunk->count);
    memcpy(before, found, chunk->count);
    return 0;
}

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct work *work = context;
    const struct prepared *prepared = chunk->prepared;
    (void)error;
    sam_transitions_add(&work->tables[work->input->group_of[chunk->pair]], &prepared->moves);
    return 0;
}

static int start(struct work *work, struct sam_error *error)
{
    const struct sam_input *input = work->input;
    size_t first = 0;
    if (!(work->before = sam_memory_new(input->parameters, 1, error)) ||
        !(work->first_of = sam_memory_new(input->slot_count, sizeof *work->first_of, error)) ||
        !(work->tables = sam_memory_new(input->group_count, sizeof *work->tables, error)))
        return -1;
    /* Wanted pairs are numbered in order in the first record. */
    for (size_t i = 0; i < input->record->pair_count; i++)
        if (input->group_of[i] != SAM_INPUT_UNWANTED) {
            work->first_of[input->slot_of[i]] = first;
            first += input->record->pairs[i].count;
        }
    return 0;
}

/* --- The table -------------------------------------------------------------------------------- */

static int write_header(struct work *work, struct sam_error *error)
{
    sam_rows_header(&work->csv, &work->params->common);
    sam_csv_text(&work->csv, "from_step");
    for (int from = 0; from < SAM_RATIO_CLASSES; from++)
        for (int to = 0; to < SAM_RATIO_CLASSES; to++) {
            char name[32];
            snprintf(name, sizeof name, "from%d_to%d", from, to);
            sam_csv_text(&work->csv, name);
        }
    sam_csv_text(&work->csv, "unchanged");
    sam_csv_text(&work->csv, "kappa");
    if (work->params->common.null)
        sam_csv_text(&work->csv, "unchanged_chance");
    return sam_csv_end_row(&work->csv, error);
}

static int write_row(struct work *work, size_t group, struct sam_error *error)
{
    const struct sam_options *common = &work->params->common;
    const struct sam_transitions *table = &work->tables[group];
    const uint64_t n = work->input->groups[group].parameters;
    sam_rows_begin(&work->csv, work->input, group);
    sam_csv_count(&work->csv, work->step_before);
    for (int from = 0; from < SAM_RATIO_CLASSES; from++)
        for (int to = 0; to < SAM_RATIO_CLASSES; to++)
            sam_rows_count(&work->csv, common, table->counts[from][to], n);
    sam_rows_count(&work->csv, common, sam_transitions_unchanged(table), n);
    sam_csv_number(&work->csv, sam_transitions_kappa(table));
    if (common->null)
        sam_rows_expected(&work->csv, common, sam_transitions_chance(table), n);
    return sam_csv_end_row(&work->csv, error);
}

/* --- The stream ------------------------------------------------------------------------------- */

static int measure(struct work *work, struct sam_error *error)
{
    const struct sam_preparation preparation = {prepare, work, sizeof(struct prepared)};
    const bool first = work->input->number == 1;
    if (first && start(work, error))
        return -1;
    memset(work->tables, 0, work->input->group_count * sizeof *work->tables);
    if (sam_input_visit_prepared(work->input, NULL, &preparation, on_chunk, work, error) ||
        (first && write_header(work, error)))
        return -1;
    for (size_t group = 0; group < work->input->group_count && !first; group++)
        if (write_row(work, group, error))
            return -1;
    work->step_before = work->input->step;
    return 0;
}

static int run(struct work *work, struct sam_error *error)
{
    int got;
    work->input = sam_input_new(&work->params->common, SAM_INPUT_SAME, error);
    if (!work->input)
        return -1;
    while ((got = sam_input_next(work->input, error)) == 1)
        if (measure(work, error))
            return -1;
    return got;
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        NULL,
        parse_option,
        "[FILE...]",
        "Count how parameters move between the ratio classes from each record to the next.",
        children,
        NULL,
        NULL};
    struct params params = {0};
    struct sam_error error;
    sam_tool_start("class-transitions");
    sam_options_parse(&params.common, &argp, argc, argv, &params);

    struct work *work = sam_memory_new(1, sizeof *work, &error);
    if (!work)
        sam_tool_die(&error);
    work->params = &params;
    work->csv.file = stdout;
    if (run(work, &error))
        sam_tool_die(&error);
    free(work->before);
    free(work->first_of);
    free(work->tables);
    sam_input_free(work->input);
    free(work);
    sam_options_free(&params.common);
    return sam_tool_finish();
}
