/* grad-info - show what is in a gradient stream
 *
 * In: gradient or class records. Out: a table, one row a record, tensor or kind of parameter: how
 * many parameters and of which type and shape, the norms of g, gp and gp - g (the square root of
 * the sum of squares over the row's parameters), the cosine of the angle between g and gp (their
 * scalar product over the product of their norms), how many values are not numbers or infinite,
 * whether the record's checksum was there and right, and its metadata.
 *
 * Sums are taken in double precision, in an order that depends on the data alone. Holds one chunk
 * of a tensor and a row's sums, of records of any size. */
#include <argp.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/classes.h"
#include "analysis/input.h"
#include "analysis/options.h"
#include "analysis/rows.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/tool.h"
#include "stream/convert.h"

struct params {
    struct sam_options common; /* --tensors, --by; operands */
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

/* --- Sums ------------------------------------------------------------------------------------- */

/* Of a row's parameters. */
struct sums {
    double current, perturbed, difference; /* squares */
    double product;                        /* g * gp */
    uint64_t nan, infinite;                /* values, of g and of gp */
    uint64_t tensors;
    enum sam_dtype dtype;        /* of all pairs, or SAM_OTHER where they differ */
    const struct sam_pair *pair; /* the last one */
};

struct work {
    struct sam_input *input;
    struct sam_csv csv;
    struct sums *sums; /* per group */
};

/* LANES sums side by side are vector code; they are joined at the end of each block. */
enum { BLOCK = 512, LANES = 8 };

static double join(const double lanes[LANES])
{
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += lanes[lane];
    return sum;
}

static void count_special(const double *values, size_t n, struct sums *sums)
{
    for (size_t i = 0; i < n; i++) {
        sums->nan += isnan(values[i]) != 0;
        sums->infinite += isinf(values[i]) != 0;
    }
}

/* `current` and `perturbed` (BLOCK), with zeros where there are fewer values. */
static void add_block(struct sums *sums, const double *current, const double *perturbed)
{
    double gg[LANES] = {0}, pp[LANES] = {0}, dd[LANES] = {0}, gp[LANES] = {0};
    for (size_t i = 0; i < BLOCK; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double g = current[i + lane], p = perturbed[i + lane];
            gg[lane] += g * g;
            pp[lane] += p * p;
            dd[lane] += (p - g) * (p - g);
            gp[lane] += g * p;
        }
    const double current_sum = join(gg), perturbed_sum = join(pp);
    sums->current += current_sum;
    sums->perturbed += perturbed_sum;
    sums->difference += join(dd);
    sums->product += join(gp);
    if (!isfinite(current_sum + perturbed_sum)) { /* a finite sum has only finite terms */
        count_special(current, BLOCK, sums);
        count_special(perturbed, BLOCK, sums);
    }
}

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct work *work = context;
    struct sums *sums = &work->sums[work->input->group_of[chunk->pair]];
    const size_t size = sam_dtype_size(chunk->dtype);
    if (chunk->dtype == SAM_U8)
        return sam_classes_check(work->input, chunk, error);
    for (size_t i = 0; i < chunk->count; i += BLOCK) {
        double current[BLOCK] = {0}, perturbed[BLOCK] = {0};
        const size_t n = chunk->count - i < BLOCK ? chunk->count - i : BLOCK;
        sam_convert(chunk->dtype, (const char *)chunk->current + i * size, n, SAM_F64, current);
        sam_convert(chunk->dtype, (const char *)chunk->perturbed + i * size, n, SAM_F64, perturbed);
        add_block(sums, current, perturbed);
    }
    return 0;
}

static int sum_record(struct work *work, struct sam_error *error)
{
    const struct sam_input *input = work->input;
    free(work->sums);
    work->sums = sam_memory_new(input->group_count, sizeof *work->sums, error);
    if (!work->sums)
        return -1;
    for (size_t i = 0; i < input->record->pair_count; i++) {
        const struct sam_pair *pair = &input->record->pairs[i];
        if (input->group_of[i] == SAM_INPUT_UNWANTED)
            continue;
        struct sums *sums = &work->sums[input->group_of[i]];
        sums->dtype = sums->tensors == 0 || sums->dtype == pair->current->dtype
                          ? pair->current->dtype
                          : SAM_OTHER;
        sums->tensors++;
        sums->pair = pair;
    }
    return sam_input_visit(work->input, on_chunk, work, error);
}

/* --- The table -------------------------------------------------------------------------------- */

static int write_header(struct work *work, const struct sam_options *common,
                        struct sam_error *error)
{
    static const char *const columns[] = {"gradient_norm",
                                          "perturbed_gradient_norm",
                                          "difference_norm",
                                          "cosine",
                                          "nan",
                                          "infinite",
                                          "tensors",
                                          "dtype",
                                          "shape",
                                          "record",
                                          "offset",
                                          "bytes",
                                          "checksum",
                                          "metadata",
                                          NULL};
    sam_rows_header(&work->csv, common);
    sam_csv_header(&work->csv, columns);
    return sam_csv_end_row(&work->csv, error);
}

/* Norms and counts; nothing of classes, which have none. */
static void write_sums(struct sam_csv *csv, const struct sums *sums)
{
    if (sums->dtype == SAM_U8) {
        for (int i = 0; i < 6; i++)
            sam_csv_text(csv, NULL);
        return;
    }
    sam_csv_number(csv, sqrt(sums->current));
    sam_csv_number(csv, sqrt(sums->perturbed));
    sam_csv_number(csv, sqrt(sums->difference));
    sam_csv_number(csv, sums->product / (sqrt(sums->current) * sqrt(sums->perturbed)));
    sam_csv_count(csv, sums->nan);
    sam_csv_count(csv, sums->infinite);
}

/* "64x3x3x3" of a row about one tensor, "scalar" where it has no dimensions. */
static void write_shape(struct sam_csv *csv, const struct sums *sums, bool one_tensor)
{
    char text[SAM_SAFETENSORS_MAX_DIMS * 21 + 8] = "scalar";
    size_t length = 0;
    if (!one_tensor) {
        sam_csv_text(csv, NULL);
        return;
    }
    for (int i = 0; i < sums->pair->ndim; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%" PRIu64,
                                   i > 0 ? "x" : "", sums->pair->shape[i]);
    sam_csv_text(csv, text);
}

/* The metadata as one JSON object, in the order they stand in; empty where there are none. */
static int write_metadata(struct sam_csv *csv, const struct sam_header *header,
                          struct sam_error *error)
{
    json_t *object = json_object();
    bool lost = false;
    for (size_t i = 0; i < header->meta_count; i++)
        lost |= json_object_set_new(object, header->meta[i].key,
                                    json_string(header->meta[i].value)) != 0;
    char *text = lost ? NULL : sam_json_text(object);
    json_decref(object);
    if (!text)
        return sam_error_set(error, SAM_FAILED, "out of memory: metadata as JSON wanted");
    sam_csv_text(csv, header->meta_count ? text : NULL);
    free(text);
    return 0;
}

static int write_rows(struct work *work, const struct sam_options *common, struct sam_error *error)
{
    const struct sam_input *input = work->input;
    const struct sam_header *header = input->record->header;
    struct sam_csv *csv = &work->csv;
    for (size_t group = 0; group < input->group_count; group++) {
        const struct sums *sums = &work->sums[group];
        sam_rows_begin(csv, input, group);
        write_sums(csv, sums);
        sam_csv_count(csv, sums->tensors);
        sam_csv_text(csv, sums->dtype == SAM_OTHER ? "mixed" : sam_dtype_name(sums->dtype));
        write_shape(csv, sums, common->by == SAM_OPTIONS_BY_TENSOR);
        sam_csv_count(csv, input->number);
        sam_csv_count(csv, input->record->offset);
        sam_csv_count(csv, header->data_bytes);
        /* A wrong one has ended the tool before this row. */
        sam_csv_text(csv, sam_header_meta(header, "xxh3") ? "verified" : "none");
        if (write_metadata(csv, header, error) || sam_csv_end_row(csv, error))
            return -1;
    }
    return 0;
}

static int run(struct work *work, const struct sam_options *common, struct sam_error *error)
{
    int more;
    work->input = sam_input_new(common, SAM_INPUT_ANY, error);
    if (!work->input)
        return -1;
    while ((more = sam_input_next(work->input, error)) == 1) {
        const bool first = work->input->number == 1;
        if (sum_record(work, error) || (first && write_header(work, common, error)) ||
            write_rows(work, common, error))
            return -1;
    }
    return more;
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_rows_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {NULL,
                                     parse_option,
                                     "[FILE...]",
                                     "Show what is in a gradient stream: a row a record with "
                                     "counts, types, norms, checks and metadata.",
                                     children,
                                     NULL,
                                     NULL};
    struct params params = {0};
    struct work work = {.csv = {.file = stdout}};
    struct sam_error error;
    sam_tool_start("grad-info");
    sam_options_parse(&params.common, &argp, argc, argv, &params);
    if (run(&work, &params.common, &error))
        sam_tool_die(&error);
    free(work.sums);
    sam_input_free(work.input);
    sam_options_free(&params.common);
    return sam_tool_finish();
}
