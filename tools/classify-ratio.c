/* classify-ratio - count the parameters of each ratio class
 *
 * In: gradient records (or class records, whose classes are counted as they are). Out: a table, one
 * row a record, tensor or kind; with --map the class of every parameter, as class records.
 *
 * With g and gp the gradient of a parameter at the current and the perturbed weights, r = gp/g:
 * class 1 is r > 1, 2 is 0 <= r <= 1, 3 is r < -1, 4 is -1 <= r < 0, and a parameter without a
 * finite ratio is undefined (geometry/ratio.h): the notes' checkpoint1 to checkpoint4.
 *
 * Holds one chunk of a tensor and a row's counts, of records of any size. */
#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/classes.h"
#include "analysis/input.h"
#include "analysis/map.h"
#include "analysis/options.h"
#include "analysis/rows.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/output.h"
#include "base/tool.h"
#include "geometry/nulls.h"

struct params {
    struct sam_options common;
    bool published;  /* --eps: the rule of the notes' published code */
    double eps;      /* ... with this, as single precision */
    const char *map; /* file for the class records; NULL: none; "-": standard output, no table */
};

enum { OPTION_EPS = 0x100, OPTION_MAP };

static const struct argp_option options[] = {
    {"eps", OPTION_EPS, "E", 0,
     "classify by r = gp/(g + E) in single precision, as the notes' code", 0},
    {"map", OPTION_MAP, "FILE", 0,
     "write the classes as class records to FILE, which appears when all has been written (-: to "
     "standard output instead of the table)",
     0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct params *params = state->input;
    struct sam_error error;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &params->common;
        return 0;
    case OPTION_EPS:
        params->published = true;
        if (sam_number_double("--eps", argument, 0, 1, &params->eps, &error))
            sam_tool_die(&error);
        return 0;
    case OPTION_MAP:
        params->map = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- A record --------------------------------------------------------------------------------- */

struct work {
    const struct params *params;
    struct sam_input *input;
    struct sam_csv csv; /* file is NULL where the classes go to standard output */
    struct sam_map map;
    struct sam_classes classes;
    uint64_t (*counts)[SAM_RATIO_CLASSES]; /* per group */
};

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct work *work = context;
    const struct sam_classified *found = chunk->prepared;
    sam_classified_add(found, work->counts[work->input->group_of[chunk->pair]]);
    return work->params->map ? sam_map_write(&work->map, found->classes, chunk->count, error) : 0;
}

static int count(struct work *work, struct sam_error *error)
{
    const struct sam_preparation preparation = sam_classes_preparation(&work->classes);
    const bool map = work->params->map != NULL;
    free(work->counts);
    work->counts = sam_memory_new(work->input->group_count, sizeof *work->counts, error);
    if (!work->counts || (map && sam_map_begin(&work->map, work->input, error)) ||
        sam_input_visit_prepared(work->input, NULL, &preparation, on_chunk, work, error))
        return -1;
    return map ? sam_map_end(&work->map, error) : 0;
}

/* --- The table -------------------------------------------------------------------------------- */

static int write_header(struct work *work, struct sam_error *error)
{
    static const char *const columns[] = {"class1", "class2",    "class3",
                                          "class4", "undefined", NULL};
    static const char *const null_columns[] = {"null_scale",  "null_class1", "null_class2",
                                               "null_class3", "null_class4", NULL};
    sam_rows_header(&work->csv, &work->params->common);
    sam_csv_header(&work->csv, columns);
    if (work->params->common.null)
        sam_csv_header(&work->csv, null_columns);
    return sam_csv_end_row(&work->csv, error);
}

/* The counts that the null predicts for the parameters that have a ratio, its scale fitted here. */
static void write_null(struct work *work, const uint64_t counts[SAM_RATIO_CLASSES],
                       uint64_t parameters)
{
    double shares[SAM_RATIO_CLASSES];
    const double scale = sam_nulls_scale(counts);
    sam_nulls_shares(scale, shares);
    sam_csv_number(&work->csv, scale);
    for (int class = 1; class < SAM_RATIO_CLASSES; class ++)
        sam_rows_expected(&work->csv, &work->params->common,
                          shares[class] * (double)(parameters - counts[0]), parameters);
}

static int write_rows(struct work *work, struct sam_error *error)
{
    const struct sam_options *common = &work->params->common;
    for (size_t group = 0; group < work->input->group_count; group++) {
        const uint64_t *counts = work->counts[group];
        const uint64_t parameters = work->input->groups[group].parameters;
        sam_rows_begin(&work->csv, work->input, group);
        for (int class = 1; class < SAM_RATIO_CLASSES; class ++)
            sam_rows_count(&work->csv, common, counts[class], parameters);
        sam_rows_count(&work->csv, common, counts[SAM_RATIO_UNDEFINED], parameters);
        if (common->null)
            write_null(work, counts, parameters);
        if (sam_csv_end_row(&work->csv, error))
            return -1;
    }
    return 0;
}

/* --- The stream ------------------------------------------------------------------------------- */

static int run(struct work *work, struct sam_error *error)
{
    int got;
    while ((got = sam_input_next(work->input, error)) == 1) {
        const bool first = work->input->number == 1, table = work->csv.file != NULL;
        if (count(work, error) || (table && first && write_header(work, error)) ||
            (table && write_rows(work, error)))
            return -1;
    }
    return got;
}

static int start(struct work *work, struct sam_error *error)
{
    const struct params *params = work->params;
    work->csv.file = params->map && sam_output_is_stdout(params->map) ? NULL : stdout;
    work->input = sam_input_new(&params->common, SAM_INPUT_ANY, error);
    work->classes = (struct sam_classes){work->input, params->published, (float)params->eps};
    return work->input ? 0 : -1;
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options,
                                     parse_option,
                                     "[FILE...]",
                                     "Count the parameters of each ratio class in gradient "
                                     "records: r = gp/g is above 1 (class 1), "
                                     "0 to 1 (2), below -1 (3), -1 to 0 (4), or undefined.",
                                     children,
                                     NULL,
                                     NULL};
    struct params params = {0};
    struct sam_error error;
    sam_tool_start("classify-ratio");
    sam_options_parse(&params.common, &argp, argc, argv, &params);

    struct work *work = sam_memory_new(1, sizeof *work, &error);
    if (!work)
        sam_tool_die(&error);
    work->params = &params;
    if (start(work, &error) || (params.map && sam_map_open(&work->map, params.map, &error)) ||
        run(work, &error) || (params.map && sam_map_close(&work->map, &error))) {
        sam_map_free(&work->map);
        sam_tool_die(&error);
    }
    free(work->counts);
    sam_input_free(work->input);
    free(work);
    sam_options_free(&params.common);
    return sam_tool_finish();
}
