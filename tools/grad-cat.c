/* grad-cat - select, convert and join gradient records
 *
 * In: records of any number of streams, or pairs of NumPy arrays. Out: the chosen records, with the
 * chosen tensors, in the chosen dtype, as one stream in which perturbed/NAME follows current/NAME,
 * so that every tool reads it from a pipe with one tensor in memory. Metadata are kept; tensors
 * that are of no parameter are left out, and so is a checksum, unless a new one is asked for.
 *
 * Holds one tensor; with --checksum, one record in a temporary file. */
#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/classes.h"
#include "analysis/input.h"
#include "analysis/options.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/output.h"
#include "base/ranges.h"
#include "base/tool.h"
#include "stream/copy.h"
#include "stream/npy.h"
#include "stream/writer.h"

struct params {
    struct sam_options common; /* --tensors; operands */
    struct sam_ranges records, steps, epochs;
    bool by_record, by_step, by_epoch; /* these ranges were given */
    bool convert;                      /* --dtype */
    enum sam_dtype dtype;
    bool checksum;
    const char *output; /* NULL: standard output */
    bool npy;
    const char *name;      /* of the parameter that a pair of arrays becomes */
    struct sam_meta *meta; /* --meta; key and value lie in one string, the key's */
    size_t meta_count;
};

enum { OPTION_RECORDS = 0x100, OPTION_STEPS, OPTION_EPOCHS, OPTION_DTYPE, OPTION_CHECKSUM };
enum { OPTION_NPY = 0x200, OPTION_NAME, OPTION_META };

static const struct argp_option options[] = {
    {"records", OPTION_RECORDS, "LIST", 0, "only these records, counted from 1: 1,5,10-20", 0},
    {"steps", OPTION_STEPS, "LIST", 0, "only records of these steps", 0},
    {"epochs", OPTION_EPOCHS, "LIST", 0, "only records of these epochs", 0},
    {"dtype", OPTION_DTYPE, "f64|f32|f16|bf16", 0, "convert gradients to this type", 0},
    {"checksum", OPTION_CHECKSUM, NULL, 0, "add the checksum of the data to each record", 0},
    {"meta", OPTION_META, "KEY=VALUE", 0, "set this metadata in each record (repeatable)", 0},
    {"output", 'o', "FILE", 0, "write to FILE, which appears when all has been written", 0},
    {"npy", OPTION_NPY, NULL, 0,
     "operands are pairs of .npy arrays, current and perturbed: a record each pair", 0},
    {"name", OPTION_NAME, "NAME", 0, "name of the arrays' parameter (default: gradient)", 0},
    {0},
};

/* --- The command line ------------------------------------------------------------------------- */

static void parse_ranges(const char *name, const char *text, struct sam_ranges *ranges, bool *given)
{
    struct sam_error error;
    sam_ranges_free(ranges); /* of the same option before */
    if (sam_ranges_parse(name, text, 0, UINT64_MAX, ranges, &error))
        sam_tool_die(&error);
    *given = true;
}

static enum sam_dtype parse_dtype(const char *text)
{
    static const struct {
        const char *name;
        enum sam_dtype dtype;
    } names[] = {{"f64", SAM_F64}, {"f32", SAM_F32}, {"f16", SAM_F16}, {"bf16", SAM_BF16}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].name) == 0)
            return names[i].dtype;
    sam_tool_usage("--dtype: '%s', wanted f64, f32, f16 or bf16", text);
}

/* What readers would refuse is refused here. */
static void check_meta(const struct sam_meta *meta)
{
    struct sam_error error;
    uint64_t number;
    if (strcmp(meta->key, "xxh3") == 0)
        sam_tool_usage("--meta: xxh3 is computed: use --checksum");
    if ((strcmp(meta->key, "step") == 0 || strcmp(meta->key, "epoch") == 0) &&
        sam_number_count(meta->key, meta->value, 0, UINT64_MAX, &number, &error))
        sam_tool_usage("--meta: %s", error.text);
    if (!sam_json_is_text(meta->key) || !sam_json_is_text(meta->value))
        sam_tool_usage("--meta: '%s=%s', wanted UTF-8", meta->key, meta->value);
}

static void add_meta(struct params *params, const char *text)
{
    struct sam_error error;
    char *key = sam_memory_string(text, &error);
    struct sam_meta *list =
        sam_memory_resize(params->meta, params->meta_count + 1, sizeof *list, &error);
    if (!list || !key)
        sam_tool_die(&error);
    struct sam_meta *meta = &list[params->meta_count];
    *meta = (struct sam_meta){.key = key, .value = strchr(key, '=')};
    params->meta = list;
    params->meta_count++;
    if (!meta->value || meta->value == meta->key)
        sam_tool_usage("--meta: '%s', wanted KEY=VALUE", text);
    *meta->value++ = '\0';
    check_meta(meta);
    for (const struct sam_meta *other = list; other < meta; other++)
        if (strcmp(other->key, meta->key) == 0)
            sam_tool_usage("--meta: '%s' and '%s=%s', wanted a key once", text, other->key,
                           other->value);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct params *params = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &params->common;
        return 0;
    case OPTION_RECORDS:
        parse_ranges("--records", argument, &params->records, &params->by_record);
        return 0;
    case OPTION_STEPS:
        parse_ranges("--steps", argument, &params->steps, &params->by_step);
        return 0;
    case OPTION_EPOCHS:
        parse_ranges("--epochs", argument, &params->epochs, &params->by_epoch);
        return 0;
    case OPTION_DTYPE:
        params->convert = true;
        params->dtype = parse_dtype(argument);
        return 0;
    case OPTION_CHECKSUM:
        params->checksum = true;
        return 0;
    case OPTION_META:
        add_meta(params, argument);
        return 0;
    case 'o':
        params->output = argument;
        return 0;
    case OPTION_NPY:
        params->npy = true;
        return 0;
    case OPTION_NAME:
        params->name = argument;
        if (!sam_json_is_text(argument))
            sam_tool_usage("--name: '%s', wanted UTF-8", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int standard_inputs(const struct sam_options *common)
{
    int count = 0;
    for (size_t i = 0; i < common->file_count; i++)
        count += strcmp(common->files[i], "-") == 0;
    return count;
}

static void check(struct params *params)
{
    const bool selects =
        params->by_record || params->by_step || params->by_epoch || params->common.glob_count > 0;
    if (!params->npy && params->name)
        sam_tool_usage("--name goes with --npy");
    if (params->npy && selects)
        sam_tool_usage("--npy makes records of all its operands: nothing to be selected");
    if (params->npy && (params->common.file_count == 0 || params->common.file_count % 2))
        sam_tool_usage("--npy: %zu operands, wanted pairs CURRENT.npy PERTURBED.npy",
                       params->common.file_count);
    if (params->npy && standard_inputs(&params->common) > 1)
        sam_tool_usage("--npy: '-' more than once, wanted at most one array on standard input");
    if (!params->name)
        params->name = "gradient";
}

/* --- Records of a stream ---------------------------------------------------------------------- */

struct work {
    const struct params *params;
    struct sam_input *input;
    struct sam_output output;
    struct sam_writer *writer;
    struct sam_copy copy;
    uint64_t written; /* records */
};

static bool selected(const struct work *work)
{
    const struct params *params = work->params;
    const struct sam_input *input = work->input;
    if (params->by_record && !sam_ranges_contain(&params->records, input->number))
        return false;
    if (params->by_step && !sam_ranges_contain(&params->steps, input->step))
        return false;
    return !params->by_epoch ||
           (input->record->has_epoch && sam_ranges_contain(&params->epochs, input->record->epoch));
}

/* Begins a record: --meta, then what else its own metadata (NULL: none) have. */
static int write_meta(struct work *work, const struct sam_header *header, struct sam_error *error)
{
    const struct params *params = work->params;
    for (size_t i = 0; i < params->meta_count; i++)
        if (sam_writer_meta(work->writer, params->meta[i].key, params->meta[i].value, error))
            return -1;
    for (size_t i = 0; header && i < header->meta_count; i++) {
        const struct sam_meta *meta = &header->meta[i];
        bool replaced = strcmp(meta->key, "xxh3") == 0;
        for (size_t k = 0; k < params->meta_count; k++)
            replaced = replaced || strcmp(meta->key, params->meta[k].key) == 0;
        if (!replaced && sam_writer_meta(work->writer, meta->key, meta->value, error))
            return -1;
    }
    return params->checksum ? sam_writer_checksum(work->writer, error) : 0;
}

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct work *work = context;
    if (sam_classes_check(work->input, chunk, error))
        return -1;
    return sam_copy_chunk(&work->copy, &work->input->record->pairs[chunk->pair], chunk, error);
}

static int write_record(struct work *work, struct sam_error *error)
{
    const struct sam_record *record = work->input->record;
    if (write_meta(work, record->header, error))
        return -1;
    for (size_t i = 0; i < record->pair_count; i++)
        if (work->input->group_of[i] != SAM_INPUT_UNWANTED &&
            sam_copy_announce(&work->copy, &record->pairs[i], error))
            return -1;
    if (sam_writer_header(work->writer, error) ||
        sam_input_visit(work->input, on_chunk, work, error))
        return -1;
    work->written++;
    return sam_writer_end(work->writer, error);
}

static int run_streams(struct work *work, struct sam_error *error)
{
    int more;
    work->input = sam_input_new(&work->params->common, SAM_INPUT_ANY, error);
    if (!work->input)
        return -1;
    while ((more = sam_input_next(work->input, error)) == 1)
        if (selected(work) && write_record(work, error))
            return -1;
    if (more == 0 && work->written == 0)
        return sam_error_set(error, SAM_FAILED, "none of %" PRIu64 " records selected, wanted one",
                             work->input->number);
    return more;
}

/* --- Records of arrays ------------------------------------------------------------------------ */

static int check_arrays(const struct sam_npy arrays[2], const char *const paths[2],
                        struct sam_error *error)
{
    const struct sam_npy *current = &arrays[0], *perturbed = &arrays[1];
    if (current->ndim == perturbed->ndim && current->dtype == perturbed->dtype &&
        memcmp(current->shape, perturbed->shape, sizeof current->shape) == 0)
        return 0;
    char seen[SAM_TENSOR_SHAPE], wanted[SAM_TENSOR_SHAPE];
    sam_tensor_shape(perturbed->ndim, perturbed->shape, seen);
    sam_tensor_shape(current->ndim, current->shape, wanted);
    return sam_error_set(error, SAM_FAILED, "%s: shape %s of %s, wanted those of %s: %s of %s",
                         paths[1], seen, sam_dtype_name(perturbed->dtype), paths[0], wanted,
                         sam_dtype_name(current->dtype));
}

static int write_arrays(struct work *work, struct sam_npy arrays[2], struct sam_error *error)
{
    if (write_meta(work, NULL, error) ||
        sam_copy_announce_array(&work->copy, work->params->name, &arrays[0], error) ||
        sam_writer_header(work->writer, error) || sam_copy_array(&work->copy, &arrays[0], error) ||
        sam_copy_array(&work->copy, &arrays[1], error))
        return -1;
    return sam_writer_end(work->writer, error);
}

static int run_arrays(struct work *work, struct sam_error *error)
{
    const struct sam_options *common = &work->params->common;
    int status = 0;
    for (size_t i = 0; i < common->file_count && status == 0; i += 2) {
        const char *const paths[2] = {common->files[i], common->files[i + 1]};
        struct sam_npy arrays[2] = {{0}};
        for (int k = 0; k < 2 && status == 0; k++)
            status = sam_npy_open(&arrays[k], paths[k], error);
        if (status == 0)
            status = check_arrays(arrays, paths, error);
        if (status == 0)
            status = write_arrays(work, arrays, error);
        sam_npy_close(&arrays[0]);
        sam_npy_close(&arrays[1]);
    }
    return status;
}

/* --- All -------------------------------------------------------------------------------------- */

static int run(struct work *work, struct sam_error *error)
{
    const struct params *params = work->params;
    if (sam_output_open(&work->output, params->output, error))
        return -1;
    work->writer = sam_writer_new(work->output.file, work->output.path, error);
    if (!work->writer || sam_copy_init(&work->copy, work->writer, error))
        return -1;
    work->copy.convert = params->convert;
    work->copy.dtype = params->dtype;
    if (params->npy ? run_arrays(work, error) : run_streams(work, error))
        return -1;
    return sam_output_commit(&work->output, error);
}

static void release(struct work *work, struct params *params)
{
    sam_output_discard(&work->output);
    sam_writer_free(work->writer);
    sam_input_free(work->input);
    sam_copy_free(&work->copy);
    for (size_t i = 0; i < params->meta_count; i++)
        free(params->meta[i].key);
    free(params->meta);
    sam_ranges_free(&params->records);
    sam_ranges_free(&params->steps);
    sam_ranges_free(&params->epochs);
    sam_options_free(&params->common);
}

int main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&sam_options_tensors_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options,
                                     parse_option,
                                     "[FILE...]\n--npy CURRENT.npy PERTURBED.npy...",
                                     "Select, convert and join gradient records.",
                                     children,
                                     NULL,
                                     NULL};
    struct params params = {0};
    struct sam_error error;
    sam_tool_start("grad-cat");
    sam_options_parse(&params.common, &argp, argc, argv, &params);
    check(&params);
    struct work work = {.params = &params};
    const int status = run(&work, &error);
    release(&work, &params);
    if (status)
        sam_tool_die(&error);
    return sam_tool_finish();
}
