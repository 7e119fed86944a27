#include "analysis/options.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/tool.h"

enum { OPTION_BY = 0x1000, OPTION_PERCENT, OPTION_NULL };

static const struct argp_option tensors_options[] = {
    {"tensors", 't', "GLOB", 0, "only parameters whose name matches GLOB (repeatable)", 10},
    {0},
};
static const struct argp_option rows_options[] = {
    {"by", OPTION_BY, "record|tensor|kind", 0,
     "a row a record (default), a tensor, or a kind of parameter", 10},
    {0},
};
static const struct argp_option count_options[] = {
    {"percent", OPTION_PERCENT, NULL, 0, "counts as percent of parameters", 10},
    {"null", OPTION_NULL, NULL, 0, "add the columns of the null model", 10},
    {0},
};

static enum sam_options_by parse_by(const char *text)
{
    static const char *const names[] = {"record", "tensor", "kind"};
    for (int by = 0; by < 3; by++)
        if (strcmp(text, names[by]) == 0)
            return (enum sam_options_by)by;
    sam_tool_usage("--by: '%s', wanted record, tensor or kind", text);
}

static void add_glob(struct sam_options *options, const char *glob)
{
    struct sam_error error;
    const char **globs =
        sam_memory_resize(options->globs, options->glob_count + 1, sizeof *globs, &error);
    if (!globs)
        sam_tool_die(&error);
    globs[options->glob_count++] = glob;
    options->globs = globs;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct sam_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        if (state->child_inputs)
            state->child_inputs[0] = options;
        return 0;
    case 't':
        add_glob(options, argument);
        return 0;
    case OPTION_BY:
        options->by = parse_by(argument);
        return 0;
    case OPTION_PERCENT:
        options->percent = true;
        return 0;
    case OPTION_NULL:
        options->null = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Each holds the one before it; the keys differ, so one parser serves all. */
static const struct argp_child tensors_child[] = {{&sam_options_tensors_argp, 0, NULL, 10}, {0}};
static const struct argp_child rows_child[] = {{&sam_options_rows_argp, 0, NULL, 10}, {0}};

const struct argp sam_options_tensors_argp = {.options = tensors_options, .parser = parse_option};
const struct argp sam_options_rows_argp = {
    .options = rows_options, .parser = parse_option, .children = tensors_child};
const struct argp sam_options_argp = {
    .options = count_options, .parser = parse_option, .children = rows_child};

void sam_options_parse(struct sam_options *options, const struct argp *argp, int argc, char **argv,
                       void *params)
{
    const int first = sam_tool_parse(argp, argc, argv, params);
    options->files = argv + first;
    options->file_count = (size_t)(argc - first);
}

int sam_options_class(const char *name, const char *text)
{
    struct sam_error error;
    int class;
    if (sam_number_int(name, text, 1, 4, &class, &error))
        sam_tool_die(&error);
    return class;
}

bool sam_options_match(const struct sam_options *options, const char *name)
{
    for (size_t i = 0; i < options->glob_count; i++)
        if (fnmatch(options->globs[i], name, 0) == 0)
            return true;
    return options->glob_count == 0;
}

void sam_options_free(struct sam_options *options)
{
    free(options->globs);
    options->globs = NULL;
    options->glob_count = 0;
}
