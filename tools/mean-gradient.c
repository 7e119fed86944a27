/* mean-gradient - test whether the mean gradient of each parameter differs from zero
 *
 * In: gradient records of one set of weights and many minibatches. Out: a table, one row for all
 * parameters, or for each tensor or kind. With g_1 .. g_N a parameter's gradients in the N records,
 * m their mean and e = sd/sqrt(N) the standard error of m, the parameter is `significant` where
 * |m| > critical * e: then the gradient of the expected loss, of which m is an unbiased estimate,
 * is hardly zero there. The notes say that the parameters of class 1 have not converged; this asks
 * it of every parameter, and of those that are in class 1 in the first record.
 *
 * Means and sums of squared deviations are updated record by record (B. P. Welford, 1962), in
 * double precision. Holds 17 bytes a parameter. */
#include <argp.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/input.h"
#include "analysis/options.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/tool.h"
#include "geometry/ratio.h"

struct params {
    struct sam_options common; /* --tensors, --by; operands */
    double critical;           /* of |m|/e */
};

enum { OPTION_CRITICAL = 0x100, CRITICAL_MOST = 1000000 };

static const struct argp_option options[] = {
    {"critical", OPTION_CRITICAL, "T", 0, "significant is a mean above T standard errors (1.96)",
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
    case OPTION_CRITICAL:
        if (sam_number_double("--critical", argument, 0, CRITICAL_MOST, &params->critical, &error))
            sam_tool_die(&error);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- The stream: a mean, a sum of squares and a class for each parameter ---------------------- */

/* The parameters of one tensor. */
struct tensor {
    size_t group;
    uint64_t count;
    double *mean, *squares; /* (count): m, and the sum of (g - m)^2 */
    uint8_t *classes;       /* (count), of the first record */
};

/* A row to come. */
struct group {
    char *name; /* NULL for all parameters */
    uint64_t parameters, significant, class1, class1_significant;
    double mean_squares, error_squares; /* sums of m^2 and e^2 */
};

struct work {
    const struct params *params;
    struct sam_input *input;
    struct tensor *tensors; /* by slot */
    size_t tensor_count;
    struct group *groups;
    size_t group_count;
    uint64_t records;
};

static void free_work(struct work *work)
{
    for (size_t i = 0; i < work->tensor_count; i++) {
        free(work->tensors[i].mean);
        free(work->tensors[i].squares);
        free(work->tensors[i].classes);
    }
    for (size_t i = 0; i < work->group_count; i++)
        free(work->groups[i].name);
    free(work->tensors);
    free(work->groups);
    sam_input_free(work->input);
}

static int start_groups(struct work *work, struct sam_error *error)
{
    const struct sam_input *input = work->input;
    work->groups = sam_memory_new(input->group_count, sizeof *work->groups, error);
    if (!work->groups)
        return -1;
    work->group_count = input->group_count;
    for (size_t i = 0; i < input->group_count; i++) {
        work->groups[i].parameters = input->groups[i].parameters;
        if (input->groups[i].name &&
            !(work->groups[i].name = sam_memory_string(input->groups[i].name, error)))
            return -1;
    }
    return 0;
}

/* Makes room for what the first record has. */
static int start(struct work *work, struct sam_error *error)
{
    const struct sam_input *input = work->input;
    work->tensors = sam_memory_new(input->slot_count, sizeof *work->tensors, error);
    if (!work->tensors || start_groups(work, error))
        return -1;
    work->tensor_count = input->slot_count;
    for (size_t pair = 0; pair < input->record->pair_count; pair++) {
        if (input->group_of[pair] == SAM_INPUT_UNWANTED)
            continue;
        struct tensor *tensor = &work->tensors[input->slot_of[pair]];
        tensor->group = input->group_of[pair];
        tensor->count = input->record->pairs[pair].count;
        tensor->mean = sam_memory_new(tensor->count, sizeof *tensor->mean, error);
        tensor->squares = sam_memory_new(tensor->count, sizeof *tensor->squares, error);
        tensor->classes = sam_memory_new(tensor->count, 1, error);
        if (!tensor->mean || !tensor->squares || !tensor->classes)
            return -1;
    }
    return 0;
}

static void add(double *mean, double *squares, double gradient, double records)
{
    const double deviation = gradient - *mean;
    *mean += deviation / records;
    *squares += deviation * (gradient - *mean);
}

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct work *work = context;
    (void)error;
    const struct tensor *tensor = &work->tensors[work->input->slot_of[chunk->pair]];
    double *mean = tensor->mean + chunk->first, *squares = tensor->squares + chunk->first;
    const bool single = chunk->dtype == SAM_F32;
    const float *singles = chunk->current;
    const double *doubles = chunk->current;
    for (size_t i = 0; i < chunk->count; i++)
        add(&mean[i], &squares[i], single ? (double)singles[i] : doubles[i], (double)work->records);
    if (work->records > 1)
        return 0;
    if (single)
        sam_ratio_classify(singles, chunk->perturbed, chunk->count, tensor->classes + chunk->first);
    else
        sam_ratio_classify_double(doubles, chunk->perturbed, chunk->count,
                                  tensor->classes + chunk->first);
    return 0;
}

/* --- The table -------------------------------------------------------------------------------- */

static void add_to_group(struct group *group, const struct tensor *tensor, uint64_t i,
                         double critical, double records)
{
    const double mean = tensor->mean[i];
    const double error_square = tensor->squares[i] / (records - 1) / records;
    const bool significant = fabs(mean) > critical * sqrt(error_square);
    const bool class1 = tensor->classes[i] == 1;
    group->significant += significant;
    group->class1 += class1;
    group->class1_significant += class1 && significant;
    group->mean_squares += mean * mean;
    group->error_squares += error_square;
}

static double percent(uint64_t part, uint64_t whole)
{
    return 100 * (double)part / (double)whole;
}

static int write_row(struct sam_csv *csv, const struct work *work, const struct group *group,
                     struct sam_error *error)
{
    if (work->params->common.by != SAM_OPTIONS_BY_RECORD)
        sam_csv_text(csv, group->name);
    sam_csv_count(csv, group->parameters);
    sam_csv_count(csv, work->records);
    sam_csv_number(csv, work->params->critical);
    sam_csv_count(csv, group->significant);
    sam_csv_number(csv, percent(group->significant, group->parameters));
    sam_csv_count(csv, group->class1);
    sam_csv_number(csv, percent(group->class1, group->parameters));
    sam_csv_count(csv, group->class1_significant);
    sam_csv_number(csv, percent(group->class1_significant, group->class1));
    sam_csv_number(csv, sqrt(group->mean_squares));
    sam_csv_number(csv, sqrt(group->error_squares));
    return sam_csv_end_row(csv, error);
}

static int write_table(struct work *work, struct sam_error *error)
{
    static const char *const columns[] = {"parameters",
                                          "records",
                                          "critical",
                                          "significant",
                                          "significant_percent",
                                          "class1",
                                          "class1_percent",
                                          "class1_significant",
                                          "class1_significant_percent",
                                          "mean_norm",
                                          "standard_error_norm",
                                          NULL};
    static const char *const by[] = {NULL, "tensor", "kind"};
    struct sam_csv csv = {.file = stdout};
    for (size_t t = 0; t < work->tensor_count; t++) {
        const struct tensor *tensor = &work->tensors[t];
        for (uint64_t i = 0; i < tensor->count; i++)
            add_to_group(&work->groups[tensor->group], tensor, i, work->params->critical,
                         (double)work->records);
    }
    if (by[work->params->common.by])
        sam_csv_text(&csv, by[work->params->common.by]);
    sam_csv_header(&csv, columns);
    if (sam_csv_end_row(&csv, error))
        return -1;
    for (size_t i = 0; i < work->group_count; i++) {
        if (write_row(&csv, work, &work->groups[i], error))
            return -1;
    }
    return 0;
}

static int run(struct work *work, struct sam_error *error)
{
    int got;
    work->input = sam_input_new(&work->params->common, SAM_INPUT_GRADIENTS | SAM_INPUT_SAME, error);
    if (!work->input)
        return -1;
    while ((got = sam_input_next(work->input, error)) == 1) {
        work->records++;
        if ((work->records == 1 && start(work, error)) ||
            sam_input_visit(work->input, on_chunk, work, error))
            return -1;
    }
    if (got == 0 && work->records < 2)
        return sam_error_set(error, SAM_FAILED,
                             "number of records %llu, wanted 2 or more to have a standard error",
                             (unsigned long long)work->records);
    return got < 0 ? -1 : write_table(work, error);
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_rows_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options,
                                     parse_option,
                                     "[FILE...]",
                                     "Test whether the mean gradient of each parameter, over the "
                                     "records, differs from zero.",
                                     children,
                                     NULL,
                                     NULL};
    struct params params = {.critical = 1.96};
    struct work work = {.params = &params};
    struct sam_error error;
    sam_tool_start("mean-gradient");
    sam_options_parse(&params.common, &argp, argc, argv, &params);
    if (run(&work, &error))
        sam_tool_die(&error);
    free_work(&work);
    sam_options_free(&params.common);
    return sam_tool_finish();
}
