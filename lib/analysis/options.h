/* options - the options that every analysis tool takes, as a child of the tool's own argp. */
#ifndef SAM_ANALYSIS_OPTIONS_H
#define SAM_ANALYSIS_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

enum sam_options_by {
    SAM_OPTIONS_BY_RECORD, /* a row a record */
    SAM_OPTIONS_BY_TENSOR, /* a row a parameter tensor of a record */
    SAM_OPTIONS_BY_KIND,   /* a row a kind of parameter (stream/kind.h) */
};

/* All zero is the default. Strings are the command line's. */
struct sam_options {
    enum sam_options_by by;
    bool percent; /* counts of parameters as percent of `parameters` */
    bool null;    /* the columns of the null model, at the end of each row */
    const char **globs;
    size_t glob_count;
    char *const *files; /* operands; none is standard input */
    size_t file_count;
};

/* Parsers of --tensors alone; of --tensors and --by; of --tensors, --by, --percent and --null. The
 * input of each is a struct sam_options: the tool's parser sets state->child_inputs[0] to it at
 * ARGP_KEY_INIT. */
extern const struct argp sam_options_tensors_argp, sam_options_rows_argp, sam_options_argp;

/* Parses the command line of a tool by `argp`, the options into `params` and the operands, all that
 * is left, into `options`, which is part of params. Exits on wrong usage (base/tool.h). */
void sam_options_parse(struct sam_options *options, const struct argp *argp, int argc, char **argv,
                       void *params);

/* Parses a ratio class, 1 to 4, given to the option `name`; exits on any other text. */
int sam_options_class(const char *name, const char *text);

/* True if --tensors, where it was given, has a pattern that matches the parameter's name. */
bool sam_options_match(const struct sam_options *options, const char *name);

void sam_options_free(struct sam_options *options);

#endif
