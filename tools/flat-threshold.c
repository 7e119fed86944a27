/* flat-threshold - how many members of a class are among the largest gradients
 *
 * In: gradient records. Out: a table, one row a record, tensor or kind. With k the size of the
 * class and m the magnitude of every parameter's gradient, `threshold` is element k, counted from
 * 0, of the n values of m in decreasing order, and `above` the number of members with m >
 * threshold: the notes' Project 1, "how many parameters of checkpoint1 are in flat minima".
 *
 * Looks two or three times at a large record of a regular file, four to six at one of F64 (once
 * more with --null; at small groups more often, by themselves), and holds bins and counts; of a
 * pipe's record it holds 8 bytes a parameter (16 of F64). */
#include <argp.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/classes.h"
#include "analysis/input.h"
#include "analysis/options.h"
#include "analysis/passes.h"
#include "analysis/rows.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/tool.h"
#include "geometry/nulls.h"
#include "geometry/ratio.h"
#include "geometry/threshold.h"

struct params {
    struct sam_options common;
    int ratio_class; /* 1 .. 4, default 1 */
    bool perturbed;  /* m is |gp|; default |g| */
};

enum { OPTION_CLASS = 0x100, OPTION_MAGNITUDE };

static const struct argp_option options[] = {
    {"class", OPTION_CLASS, "K", 0, "the class, 1 to 4 (default 1)", 0},
    {"magnitude", OPTION_MAGNITUDE, "WHICH", 0,
     "the magnitude of which gradient: current (default) or perturbed", 0},
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
    case OPTION_MAGNITUDE:
        params->perturbed = strcmp(argument, "perturbed") == 0;
        if (!params->perturbed && strcmp(argument, "current") != 0)
            sam_tool_usage("--magnitude: '%s', wanted current or perturbed", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- A record --------------------------------------------------------------------------------- */

/* Sums of squares are taken in this many parts, by the number of the element in its tensor, so that
 * they do not depend on how the tensor is cut into pieces. */
enum { PARTS = 8 };

struct group {
    struct sam_threshold search;
    double threshold;
    double squares[PARTS];
    uint64_t counts[SAM_RATIO_CLASSES];
};

struct work {
    const struct params *params;
    struct sam_input *input;
    struct sam_csv csv;
    struct sam_passes passes;
    struct group *groups;
    size_t group_count;
    struct sam_nulls_permutation *permutations; /* per slot, with --null */
    bool *searched;                             /* per pair: its group needs a further pass */
};

static struct group *group_of(const struct work *work, const struct sam_chunk *chunk)
{
    return &work->groups[work->input->group_of[chunk->pair]];
}

static const void *values_of(const struct work *work, const struct sam_chunk *chunk)
{
    return work->params->perturbed ? chunk->perturbed : chunk->current;
}

/* Of a chunk: its classes, and what the search found in it. */
struct prepared {
    struct sam_classified classified;
    struct sam_threshold_found found;
    uint64_t keys[SAM_READER_CHUNK];
};

static int prepare(const void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct work *work = context;
    const struct sam_classes classes = {.input = work->input};
    const struct sam_threshold *search = &group_of(work, chunk)->search;
    struct prepared *prepared = chunk->prepared;
    if (sam_classes_find(&classes, chunk, &prepared->classified, error))
        return -1;
    prepared->found.keys = prepared->keys;
    if (chunk->dtype == SAM_F64)
        sam_threshold_look_double(search, values_of(work, chunk), prepared->classified.classes,
                                  chunk->first, chunk->count, &prepared->found);
    else
        sam_threshold_look(search, values_of(work, chunk), prepared->classified.classes,
                           chunk->first, chunk->count, &prepared->found);
    return 0;
}

static double element(const void *values, const struct sam_chunk *chunk, size_t i)
{
    return chunk->dtype == SAM_F64 ? ((const double *)values)[i] : ((const float *)values)[i];
}

static void add_squares(const struct work *work, const struct sam_chunk *chunk)
{
    double *squares = group_of(work, chunk)->squares;
    for (size_t i = 0; i < chunk->count; i++) {
        const double value = element(values_of(work, chunk), chunk, i);
        squares[(chunk->first + i) % PARTS] += value * value;
    }
}

static void permute(const struct work *work, const struct sam_chunk *chunk)
{
    const struct params *params = work->params;
    struct sam_nulls_permutation *permutation =
        &work->permutations[work->input->slot_of[chunk->pair]];
    for (size_t i = 0; i < chunk->count; i++)
        sam_nulls_permute(permutation, element(chunk->current, chunk, i),
                          element(chunk->perturbed, chunk, i), params->ratio_class,
                          params->perturbed, group_of(work, chunk)->threshold);
}

static int on_search_pass(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct prepared *prepared = chunk->prepared;
    (void)error;
    sam_threshold_add(&group_of(context, chunk)->search, &prepared->found);
    return 0;
}

static int on_first_pass(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct work *work = context;
    const struct prepared *prepared = chunk->prepared;
    sam_classified_add(&prepared->classified, group_of(work, chunk)->counts);
    if (work->params->common.null)
        add_squares(work, chunk);
    return on_search_pass(context, chunk, error);
}

static int on_null_pass(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    (void)error;
    permute(context, chunk);
    return 0;
}

static void free_groups(struct work *work)
{
    for (size_t i = 0; i < work->group_count; i++)
        sam_threshold_free(&work->groups[i].search);
    free(work->groups);
    work->groups = NULL;
    work->group_count = 0;
}

/* The bins of a group: a power of two. Many groups, the tensors of a record, get fewer and may so
 * need one pass more; small ones no more than they have parameters, and need some more. */
static int log_bins_for(size_t group_count, uint64_t parameters)
{
    const int most = group_count > SAM_KINDS ? 12 : 18;
    int log_bins = 4;
    while (log_bins < most && parameters >> log_bins)
        log_bins++;
    return log_bins;
}

static int make_groups(struct work *work, struct sam_error *error)
{
    const size_t count = work->input->group_count;
    free_groups(work);
    work->groups = sam_memory_new(count, sizeof *work->groups, error);
    if (!work->groups)
        return -1;
    for (; work->group_count < count; work->group_count++) {
        const uint64_t parameters = work->input->groups[work->group_count].parameters;
        if (sam_threshold_init(&work->groups[work->group_count].search,
                               log_bins_for(count, parameters), work->params->ratio_class, error))
            return -1;
    }
    return 0;
}

static bool has_doubles(const struct sam_input *input)
{
    for (size_t i = 0; i < input->record->pair_count; i++)
        if (input->group_of[i] != SAM_INPUT_UNWANTED &&
            input->record->pairs[i].current->dtype == SAM_F64)
            return true;
    return false;
}

/* Bins are made for the first record, and again only where the number of groups changes. */
static int begin_record(struct work *work, struct sam_error *error)
{
    const struct sam_input *input = work->input;
    if (work->group_count != input->group_count && make_groups(work, error))
        return -1;
    const bool wide = has_doubles(input);
    for (size_t i = 0; i < work->group_count; i++) {
        struct group *group = &work->groups[i];
        memset(group->counts, 0, sizeof group->counts);
        memset(group->squares, 0, sizeof group->squares);
        sam_threshold_begin(&group->search, input->groups[i].parameters, wide);
    }
    free(work->permutations);
    free(work->searched);
    work->searched = NULL;
    work->permutations = sam_memory_new(input->slot_count, sizeof *work->permutations, error);
    if (work->permutations)
        work->searched = sam_memory_new(input->record->pair_count, 1, error);
    return work->searched ? 0 : -1;
}

/* Small groups have few bins, and take more passes than the rest of the record needs to. */
static void find_searched(struct work *work)
{
    const struct sam_input *input = work->input;
    for (size_t i = 0; i < input->record->pair_count; i++)
        work->searched[i] = input->group_of[i] != SAM_INPUT_UNWANTED &&
                            !work->groups[input->group_of[i]].search.done;
}

/* 1 while a group needs another pass, then 0; -1 on failure. */
static int narrow(struct work *work, struct sam_error *error)
{
    struct sam_error cause;
    int more = 0;
    for (size_t i = 0; i < work->group_count; i++) {
        struct group *group = &work->groups[i];
        const int wanted =
            sam_threshold_narrow(&group->search, group->counts[work->params->ratio_class], &cause);
        if (wanted < 0)
            return sam_input_fail(work->input, error, "%s: was the file changed?", cause.text);
        more |= wanted;
        group->threshold = sam_threshold_value(&group->search);
    }
    find_searched(work);
    return more;
}

static int measure(struct work *work, struct sam_error *error)
{
    const struct sam_preparation preparation = {prepare, work, sizeof(struct prepared)};
    int more;
    if (begin_record(work, error) ||
        sam_passes_first(&work->passes, &preparation, on_first_pass, work, error))
        return -1;
    while ((more = narrow(work, error)) == 1)
        if (sam_passes_again(&work->passes, work->searched, &preparation, on_search_pass, work,
                             error))
            return -1;
    if (more == 0 && work->params->common.null)
        more = sam_passes_again(&work->passes, NULL, NULL, on_null_pass, work, error);
    return more;
}

/* --- The table -------------------------------------------------------------------------------- */

static int write_header(struct work *work, struct sam_error *error)
{
    static const char *const columns[] = {"class_size",     "threshold", "above", "percent",
                                          "chance_percent", "lift",      NULL};
    static const char *const null_columns[] = {"relative_threshold", "null_scale", "null_percent",
                                               "permuted_percent", NULL};
    sam_rows_header(&work->csv, &work->params->common);
    sam_csv_header(&work->csv, columns);
    if (work->params->common.null)
        sam_csv_header(&work->csv, null_columns);
    return sam_csv_end_row(&work->csv, error);
}

static double root_mean_square(const double squares[PARTS], uint64_t n)
{
    double sum = 0;
    for (int part = 0; part < PARTS; part++)
        sum += squares[part];
    return sqrt(sum / (double)n);
}

static double permuted_percent(const struct work *work, size_t group)
{
    double members = 0, above = 0;
    for (size_t i = 0; i < work->input->record->pair_count; i++)
        if (work->input->group_of[i] == group)
            sam_nulls_permuted(&work->permutations[work->input->slot_of[i]],
                               work->params->ratio_class, &members, &above);
    return 100 * above / members;
}

static void write_null(struct work *work, size_t index)
{
    const struct params *params = work->params;
    const struct group *group = &work->groups[index];
    const double scale = sam_nulls_scale(group->counts);
    const uint64_t parameters = work->input->groups[index].parameters;
    sam_csv_number(&work->csv, group->threshold / root_mean_square(group->squares, parameters));
    sam_csv_number(&work->csv, scale);
    sam_csv_number(&work->csv,
                   100 * sam_nulls_above(scale, params->ratio_class, params->perturbed));
    sam_csv_number(&work->csv, permuted_percent(work, index));
}

static void write_row(struct work *work, size_t index)
{
    const struct sam_options *common = &work->params->common;
    const struct group *group = &work->groups[index];
    const uint64_t parameters = work->input->groups[index].parameters;
    const uint64_t size = group->counts[work->params->ratio_class];
    const uint64_t above = sam_threshold_members(&group->search);
    const double percent = 100 * (double)above / (double)size;
    const double chance = 100 * (double)size / (double)parameters;
    sam_rows_begin(&work->csv, work->input, index);
    sam_rows_count(&work->csv, common, size, parameters);
    sam_csv_number(&work->csv, group->threshold);
    sam_rows_count(&work->csv, common, above, parameters);
    sam_csv_number(&work->csv, percent);
    sam_csv_number(&work->csv, chance);
    sam_csv_number(&work->csv, percent / chance);
    if (common->null)
        write_null(work, index);
}

static int write_rows(struct work *work, struct sam_error *error)
{
    for (size_t group = 0; group < work->group_count; group++) {
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
    work->input = sam_input_new(&work->params->common, SAM_INPUT_GRADIENTS, error);
    if (!work->input)
        return -1;
    work->passes.input = work->input;
    while ((got = sam_input_next(work->input, error)) == 1)
        if (measure(work, error) || (work->input->number == 1 && write_header(work, error)) ||
            write_rows(work, error))
            return -1;
    return got;
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options,
                                     parse_option,
                                     "[FILE...]",
                                     "Count the members of a ratio class, of size k, whose "
                                     "gradient is larger than element k of all "
                                     "gradients' magnitudes in decreasing order.",
                                     children,
                                     NULL,
                                     NULL};
    struct params params = {.ratio_class = 1};
    struct sam_error error;
    sam_tool_start("flat-threshold");
    sam_options_parse(&params.common, &argp, argc, argv, &params);

    struct work *work = sam_memory_new(1, sizeof *work, &error);
    if (!work)
        sam_tool_die(&error);
    work->params = &params;
    work->csv.file = stdout;
    if (run(work, &error))
        sam_tool_die(&error);
    free_groups(work);
    free(work->permutations);
    free(work->searched);
    sam_passes_free(&work->passes);
    sam_input_free(work->input);
    free(work);
    sam_options_free(&params.common);
    return sam_tool_finish();
}
