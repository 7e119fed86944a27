/* bucket-stats - how the ratios of one class are spread over intervals
 *
 * In: gradient records. Out: a table, one row a record, tensor or kind: the size of the class and
 * the number of its members in each interval of r = gp/g, LOW <= r < HIGH, r in double precision
 * (geometry/buckets.h): the notes' Project 2, whose checkpoint1.1, 1.2, ... are r < 1.2, r < 1.5,
 * ...
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
#include "analysis/options.h"
#include "analysis/rows.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/tool.h"
#include "geometry/buckets.h"
#include "geometry/nulls.h"

struct params {
    struct sam_options common;
    int ratio_class;   /* 1 .. 4, default 1 */
    const char *edges; /* LOW,...,HIGH; NULL: those of the class below */
    bool cumulative;   /* intervals that all begin at the first edge */
};

/* Of class 1, the notes'; 3 and 4 mirror 1 and 2, whose last interval is r = 1 alone. */
static const char *const default_edges[SAM_RATIO_CLASSES] = {
    NULL,
    "1,1.2,1.5,2,4,8,16,inf",
    "0,0.25,0.5,0.75,1,inf",
    "-inf,-16,-8,-4,-2,-1.5,-1.2,-1",
    "-1,-0.75,-0.5,-0.25,0",
};

enum { OPTION_CLASS = 0x100, OPTION_EDGES, OPTION_CUMULATIVE };

static const struct argp_option options[] = {
    {"class", OPTION_CLASS, "K", 0, "the class, 1 to 4 (default 1)", 0},
    {"edges", OPTION_EDGES, "LIST", 0,
     "edges of the intervals, increasing, separated by commas, inf and -inf among them "
     "(default for class 1: 1,1.2,1.5,2,4,8,16,inf)",
     0},
    {"cumulative", OPTION_CUMULATIVE, NULL, 0, "begin all intervals at the first edge", 0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct params *params = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &params->common;
        return 0;
    case OPTION_CLASS:
        params->ratio_class = sam_options_class("--class", argument);
        return 0;
    case OPTION_EDGES:
        params->edges = argument;
        return 0;
    case OPTION_CUMULATIVE:
        params->cumulative = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int make_buckets(const struct params *params, struct sam_buckets *buckets,
                        struct sam_error *error)
{
    const char *text = params->edges ? params->edges : default_edges[params->ratio_class];
    struct sam_error cause;
    double *edges;
    size_t count;
    if (sam_number_list("--edges", text, 1, &edges, &count, error))
        return -1;
    const int status = sam_buckets_init(buckets, params->ratio_class, edges, count, &cause);
    free(edges);
    return status ? sam_error_set(error, cause.status, "--edges: '%s': %s", text, cause.text) : 0;
}

/* --- A record --------------------------------------------------------------------------------- */

struct work {
    const struct params *params;
    struct sam_input *input;
    struct sam_csv csv;
    struct sam_buckets buckets;
    struct sam_classes classes;
    uint64_t (*counts)[SAM_RATIO_CLASSES]; /* (groups) */
    uint64_t *at_least;                    /* (groups, edges) */
};

/* What is prepared of a chunk. */
struct found {
    struct sam_classified classified;
    uint64_t at_least[]; /* (edges) */
};

static int prepare(const void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct work *work = context;
    const struct sam_buckets *buckets = &work->buckets;
    struct found *found = chunk->prepared;
    if (sam_classes_find(&work->classes, chunk, &found->classified, error))
        return -1;
    const uint8_t *classes = found->classified.classes;
    memset(found->at_least, 0, buckets->count * sizeof *found->at_least);
    if (chunk->dtype == SAM_F64)
        sam_buckets_count_double(buckets, chunk->current, chunk->perturbed, classes, chunk->count,
                                 found->at_least);
    else
        sam_buckets_count(buckets, chunk->current, chunk->perturbed, classes, chunk->count,
                          found->at_least);
    return 0;
}

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct work *work = context;
    const struct found *found = chunk->prepared;
    const size_t group = work->input->group_of[chunk->pair], edges = work->buckets.count;
    (void)error;
    sam_classified_add(&found->classified, work->counts[group]);
    for (size_t edge = 0; edge < edges; edge++)
        work->at_least[group * edges + edge] += found->at_least[edge];
    return 0;
}

static int count(struct work *work, struct sam_error *error)
{
    const size_t groups = work->input->group_count;
    free(work->counts);
    free(work->at_least);
    work->at_least = NULL;
    work->counts = sam_memory_new(groups, sizeof *work->counts, error);
    if (!work->counts)
        return -1;
    work->at_least = sam_memory_new(groups * work->buckets.count, sizeof *work->at_least, error);
    if (!work->at_least)
        return -1;
    const struct sam_preparation preparation = {
        prepare, work, sizeof(struct found) + work->buckets.count * sizeof(uint64_t)};
    return sam_input_visit_prepared(work->input, NULL, &preparation, on_chunk, work, error);
}

/* --- The table -------------------------------------------------------------------------------- */

static size_t low_edge(const struct work *work, size_t interval)
{
    return work->params->cumulative ? 0 : interval;
}

static void write_interval_names(struct work *work, const char *prefix)
{
    for (size_t i = 0; i + 1 < work->buckets.count; i++) {
        char low[SAM_NUMBER_TEXT], high[SAM_NUMBER_TEXT], name[2 * SAM_NUMBER_TEXT + 16];
        sam_number_text(work->buckets.edges[low_edge(work, i)], low);
        sam_number_text(work->buckets.edges[i + 1], high);
        snprintf(name, sizeof name, "%s%s-%s", prefix, low, high);
        sam_csv_text(&work->csv, name);
    }
}

static int write_header(struct work *work, struct sam_error *error)
{
    char class_name[] = "class0";
    class_name[5] = (char)('0' + work->params->ratio_class);
    sam_rows_header(&work->csv, &work->params->common);
    sam_csv_text(&work->csv, class_name);
    write_interval_names(work, "");
    if (work->params->common.null) {
        sam_csv_text(&work->csv, "null_scale");
        write_interval_names(work, "null_");
    }
    return sam_csv_end_row(&work->csv, error);
}

/* What the null model, its scale fitted to the four classes, predicts for the class's members. */
static void write_null(struct work *work, const uint64_t counts[SAM_RATIO_CLASSES],
                       uint64_t parameters)
{
    const int ratio_class = work->params->ratio_class;
    const double scale = sam_nulls_scale(counts), size = (double)counts[ratio_class];
    const double *edges = work->buckets.edges;
    sam_csv_number(&work->csv, scale);
    for (size_t i = 0; i + 1 < work->buckets.count; i++)
        sam_rows_expected(
            &work->csv, &work->params->common,
            size * sam_nulls_bucket(scale, ratio_class, edges[low_edge(work, i)], edges[i + 1]),
            parameters);
}

static void write_row(struct work *work, size_t group)
{
    const struct sam_options *common = &work->params->common;
    const uint64_t parameters = work->input->groups[group].parameters;
    const uint64_t size = work->counts[group][work->params->ratio_class];
    const uint64_t *at_least = work->at_least + group * work->buckets.count;
    sam_rows_begin(&work->csv, work->input, group);
    sam_rows_count(&work->csv, common, size, parameters);
    for (size_t i = 0; i + 1 < work->buckets.count; i++)
        sam_rows_count(
            &work->csv, common,
            sam_buckets_between(&work->buckets, at_least, size, low_edge(work, i), i + 1),
            parameters);
    if (common->null)
        write_null(work, work->counts[group], parameters);
}

static int write_rows(struct work *work, struct sam_error *error)
{
    for (size_t group = 0; group < work->input->group_count; group++) {
        write_row(work, group);
        if (sam_csv_end_row(&work->csv, error))
            return -1;
    }
    return 0;
}

/* --- The stream ------------------------------------------------------------------------------- */

static int run(struct work *work, struct sam_error *error)
{
    int got;
    while ((got = sam_input_next(work->input, error)) == 1)
        if (count(work, error) || (work->input->number == 1 && write_header(work, error)) ||
            write_rows(work, error))
            return -1;
    return got;
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse_option,
        "[FILE...]",
        "Count the members of a ratio class in intervals of their ratio r = gp/g, LOW <= r < HIGH.",
        children,
        NULL,
        NULL};
    struct params params = {.ratio_class = 1};
    struct sam_error error;
    sam_tool_start("bucket-stats");
    sam_options_parse(&params.common, &argp, argc, argv, &params);

    struct work *work = sam_memory_new(1, sizeof *work, &error);
    if (!work)
        sam_tool_die(&error);
    work->params = &params;
    work->csv.file = stdout;
    if (make_buckets(&params, &work->buckets, &error) ||
        !(work->classes.input = work->input =
              sam_input_new(&params.common, SAM_INPUT_GRADIENTS, &error)) ||
        run(work, &error))
        sam_tool_die(&error);
    free(work->counts);
    free(work->at_least);
    sam_buckets_free(&work->buckets);
    sam_input_free(work->input);
    free(work);
    sam_options_free(&params.common);
    return sam_tool_finish();
}
