/* overlap - how many members of a class are its members at another step too
 *
 * In: gradient or class records, all of the same parameters. Out: a table, one row a record
 * (tensor, kind) that has a partner: the reference record, the one K records before it, or each
 * other one. The notes' Experiments 2 (overlap with step 172) and 3 (--running: the parameters that
 * were members at every step since), with what independent sets would give beside them
 * (geometry/overlap.h).
 *
 * Holds sets as bits, 1/8 byte a parameter: two of them, three with --running, K + 1 with --lag,
 * one for each record with --all-pairs. */
#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/input.h"
#include "analysis/options.h"
#include "analysis/rows.h"
#include "analysis/sets.h"
#include "analysis/survivors.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/tool.h"
#include "geometry/overlap.h"

enum mode { REFERENCE, RUNNING, LAG, ALL_PAIRS };

struct params {
    struct sam_options common;
    int ratio_class; /* 1 .. 4, default 1 */
    enum mode mode;
    bool mode_given;
    bool reference_given; /* --reference; else the first record is the reference */
    uint64_t reference;   /* ... its step */
    uint64_t lag;         /* records, with LAG */
};

enum { OPTION_CLASS = 0x100, OPTION_REFERENCE, OPTION_RUNNING, OPTION_LAG, OPTION_ALL_PAIRS };

static const struct argp_option options[] = {
    {"class", OPTION_CLASS, "K", 0, "the class, 1 to 4 (default 1)", 0},
    {"reference", OPTION_REFERENCE, "STEP", 0, "the reference step (default: the first record's)",
     0},
    {"running", OPTION_RUNNING, NULL, 0, "members at every step since the reference", 0},
    {"lag", OPTION_LAG, "K", 0, "pair each record with the K-th before it", 0},
    {"all-pairs", OPTION_ALL_PAIRS, NULL, 0, "pair all records with all", 0},
    {0},
};

static void set_mode(struct params *params, enum mode mode)
{
    if (params->mode_given && params->mode != mode)
        sam_tool_usage("--running, --lag and --all-pairs exclude each other: wanted one of them");
    params->mode = mode;
    params->mode_given = true;
}

static void check(const struct params *params)
{
    if (params->reference_given && (params->mode == LAG || params->mode == ALL_PAIRS))
        sam_tool_usage("--reference goes with --running or alone: --lag and --all-pairs have none");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct params *params = state->input;
    struct sam_error error;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &params->common;
        return 0;
    case OPTION_CLASS:
        params->ratio_class = sam_options_class("--class", argument);
        return 0;
    case OPTION_REFERENCE:
        params->reference_given = true;
        if (sam_number_count("--reference", argument, 0, UINT64_MAX, &params->reference, &error))
            sam_tool_die(&error);
        return 0;
    case OPTION_RUNNING:
        set_mode(params, RUNNING);
        return 0;
    case OPTION_LAG:
        set_mode(params, LAG);
        if (sam_number_count("--lag", argument, 1, 1000000, &params->lag, &error))
            sam_tool_die(&error);
        return 0;
    case OPTION_ALL_PAIRS:
        set_mode(params, ALL_PAIRS);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

struct work {
    const struct params *params;
    struct sam_input *input;
    struct sam_csv csv;
    struct sam_sets sets;
    struct sam_set current;
    /* Earlier records: the reference; or record i at i % K; or all. */
    struct sam_set *held;
    size_t held_count;
    struct sam_survivors survivors; /* with RUNNING */
};

/* --- Tables ----------------------------------------------------------------------------------- */

static int write_header(struct work *work, struct sam_error *error)
{
    static const char *const pair_columns[] = {"reference_size",  "class_size", "overlap",
                                               "overlap_percent", "chance",     "lift",
                                               "jaccard",         "kappa",      NULL};
    static const char *const running_columns[] = {"reference_size",    "class_size", "surviving",
                                                  "surviving_percent", "chance",     NULL};
    static const char *const null_columns[] = {"tensor_chance", "tensor_lift", NULL};
    const struct sam_options *common = &work->params->common;
    const enum mode mode = work->params->mode;
    sam_csv_text(&work->csv, "step");
    sam_csv_text(&work->csv, mode == ALL_PAIRS ? "other_step" : "epoch");
    sam_rows_header_group(&work->csv, common);
    if (mode != ALL_PAIRS)
        sam_csv_text(&work->csv, "reference_step");
    sam_csv_header(&work->csv, mode == RUNNING ? running_columns : pair_columns);
    if (common->null)
        sam_csv_header(&work->csv, null_columns);
    return sam_csv_end_row(&work->csv, error);
}

/* The columns up to the sizes of the two sets. */
static void begin_row(struct work *work, const struct sam_set *reference, const struct sam_set *set,
                      size_t group)
{
    if (work->params->mode == ALL_PAIRS) {
        sam_csv_count(&work->csv, set->step);
        sam_csv_count(&work->csv, reference->step);
        sam_rows_begin_group(&work->csv, work->input, group);
    } else {
        sam_rows_begin(&work->csv, work->input, group);
        sam_csv_count(&work->csv, reference->step);
    }
}

static void write_null(struct work *work, uint64_t seen, double chance, uint64_t parameters)
{
    sam_rows_expected(&work->csv, &work->params->common, chance, parameters);
    sam_csv_number(&work->csv, (double)seen / chance);
}

static int write_pair(struct work *work, const struct sam_set *reference, const struct sam_set *set,
                      size_t group, struct sam_error *error)
{
    const struct sam_options *common = &work->params->common;
    const uint64_t n = work->input->groups[group].parameters;
    const struct sam_sets_common found = sam_sets_compare(&work->sets, reference, set, group);
    const struct sam_overlap overlap = sam_overlap_measure(n, found.a, found.b, found.common);
    begin_row(work, reference, set, group);
    sam_rows_count(&work->csv, common, found.a, n);
    sam_rows_count(&work->csv, common, found.b, n);
    sam_rows_count(&work->csv, common, found.common, n);
    sam_csv_number(&work->csv, overlap.percent);
    sam_rows_expected(&work->csv, common, overlap.chance, n);
    sam_csv_number(&work->csv, overlap.lift);
    sam_csv_number(&work->csv, overlap.jaccard);
    sam_csv_number(&work->csv, overlap.kappa);
    if (common->null)
        write_null(work, found.common, found.tensor_chance, n);
    return sam_csv_end_row(&work->csv, error);
}

static int write_pairs(struct work *work, const struct sam_set *reference,
                       const struct sam_set *set, struct sam_error *error)
{
    for (size_t group = 0; group < work->input->group_count; group++)
        if (write_pair(work, reference, set, group, error))
            return -1;
    return 0;
}

static int write_survivors(struct work *work, size_t group, struct sam_error *error)
{
    const struct sam_options *common = &work->params->common;
    const struct sam_survivors *survivors = &work->survivors;
    const struct sam_set *reference = &work->held[0];
    const uint64_t n = work->input->groups[group].parameters;
    const uint64_t surviving = sam_sets_size(&work->sets, &survivors->set, group);
    const uint64_t reference_size = sam_sets_size(&work->sets, reference, group);
    begin_row(work, reference, &work->current, group);
    sam_rows_count(&work->csv, common, reference_size, n);
    sam_rows_count(&work->csv, common, sam_sets_size(&work->sets, &work->current, group), n);
    sam_rows_count(&work->csv, common, surviving, n);
    sam_csv_number(&work->csv, 100 * (double)surviving / (double)reference_size);
    sam_rows_expected(&work->csv, common, survivors->chance[group], n);
    if (common->null)
        write_null(work, surviving, sam_survivors_tensor_chance(survivors, &work->sets, group), n);
    return sam_csv_end_row(&work->csv, error);
}

/* --- Records ---------------------------------------------------------------------------------- */

/* Keeps the current set, and makes a new one to read the next record into. */
static int hold(struct work *work, struct sam_error *error)
{
    struct sam_set *held = sam_memory_resize(work->held, work->held_count + 1, sizeof *held, error);
    if (!held)
        return -1;
    work->held = held;
    work->held[work->held_count++] = work->current;
    return sam_sets_make(&work->sets, &work->current, error);
}

/* The first record whose step is the reference's, or just the first. */
static bool is_reference(const struct work *work)
{
    return work->held_count == 0 &&
           (!work->params->reference_given || work->input->step == work->params->reference);
}

static int pair_with_reference(struct work *work, struct sam_error *error)
{
    if (!is_reference(work))
        return work->held_count ? write_pairs(work, &work->held[0], &work->current, error) : 0;
    return hold(work, error) ? -1 : write_pairs(work, &work->held[0], &work->held[0], error);
}

static int run_on(struct work *work, struct sam_error *error)
{
    const bool begins = is_reference(work);
    if (!begins && work->held_count == 0)
        return 0;
    if (begins) {
        if (hold(work, error) ||
            sam_survivors_init(&work->survivors, &work->sets, work->input, &work->held[0], error))
            return -1;
        sam_sets_copy(&work->sets, &work->current, &work->held[0]);
    } else {
        sam_survivors_pass(&work->survivors, &work->sets, work->input, &work->current);
    }
    for (size_t group = 0; group < work->input->group_count; group++)
        if (write_survivors(work, group, error))
            return -1;
    return 0;
}

static int pair_with_lag(struct work *work, struct sam_error *error)
{
    if (work->held_count < work->params->lag)
        return hold(work, error);
    struct sam_set *oldest = &work->held[(work->input->number - 1) % work->params->lag];
    if (write_pairs(work, oldest, &work->current, error))
        return -1;
    const struct sam_set spare = *oldest;
    *oldest = work->current;
    work->current = spare;
    return 0;
}

/* The new row and column of the matrix. */
static int pair_with_all(struct work *work, struct sam_error *error)
{
    if (hold(work, error))
        return -1;
    const struct sam_set *set = &work->held[work->held_count - 1];
    for (const struct sam_set *other = work->held; other < set; other++)
        if (write_pairs(work, other, set, error) || write_pairs(work, set, other, error))
            return -1;
    return write_pairs(work, set, set, error);
}

static int measure(struct work *work, struct sam_error *error)
{
    static int (*const modes[])(struct work *, struct sam_error *) = {
        [REFERENCE] = pair_with_reference,
        [RUNNING] = run_on,
        [LAG] = pair_with_lag,
        [ALL_PAIRS] = pair_with_all,
    };
    if (work->input->number == 1 && (sam_sets_init(&work->sets, work->input, error) ||
                                     sam_sets_make(&work->sets, &work->current, error)))
        return -1;
    if (sam_sets_read(&work->sets, work->input, work->params->ratio_class, &work->current, error))
        return -1;
    if (work->input->number == 1 && write_header(work, error))
        return -1;
    return modes[work->params->mode](work, error);
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
    if (got == 0 && work->params->reference_given && work->held_count == 0)
        return sam_error_set(error, SAM_FAILED,
                             "--reference %" PRIu64 ": no record of this step among %" PRIu64,
                             work->params->reference, work->input->number);
    return got;
}

static void free_work(struct work *work)
{
    free(work->held);
    sam_survivors_free(&work->survivors);
    sam_sets_free(&work->sets);
    sam_input_free(work->input);
    free(work);
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse_option,
        "[FILE...]",
        "Compare the members of a ratio class between the records of gradient or class streams.",
        children,
        NULL,
        NULL};
    struct params params = {.ratio_class = 1, .mode = REFERENCE};
    struct sam_error error;
    sam_tool_start("overlap");
    sam_options_parse(&params.common, &argp, argc, argv, &params);
    check(&params);

    struct work *work = sam_memory_new(1, sizeof *work, &error);
    if (!work)
        sam_tool_die(&error);
    work->params = &params;
    work->csv.file = stdout;
    if (run(work, &error))
        sam_tool_die(&error);
    free_work(work);
    sam_options_free(&params.common);
    return sam_tool_finish();
}
