#include "analysis/input.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/parameters.h"
#include "base/memory.h"

struct reading {
    struct sam_input input; /* first: the public part */
    const struct sam_options *options;
    enum sam_input_accepts accepts;
    struct sam_reader *reader;
    size_t next_file;
    bool *wanted;                     /* per pair */
    struct sam_parameters parameters; /* with SAM_INPUT_SAME, from the first record on */
};

struct sam_input *sam_input_new(const struct sam_options *options, enum sam_input_accepts accepts,
                                struct sam_error *error)
{
    struct reading *self = sam_memory_new(1, sizeof *self, error);
    if (!self)
        return NULL;
    self->options = options;
    self->accepts = accepts;
    return &self->input;
}

static void forget_record(struct reading *self)
{
    free(self->input.groups);
    free(self->input.group_of);
    free(self->input.slot_of);
    free(self->wanted);
    self->input.groups = NULL;
    self->input.group_of = self->input.slot_of = NULL;
    self->wanted = NULL;
}

void sam_input_free(struct sam_input *input)
{
    struct reading *self = (struct reading *)input;
    if (!self)
        return;
    forget_record(self);
    sam_parameters_free(&self->parameters);
    sam_reader_free(self->reader);
    free(self);
}

int sam_input_fail(const struct sam_input *input, struct sam_error *error, const char *format, ...)
{
    const struct reading *self = (const struct reading *)input;
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return sam_error_set(error, SAM_FAILED, "%s: record %" PRIu64 " at byte %" PRIu64 ": %s",
                         sam_reader_name(self->reader), input->record->number,
                         input->record->offset, text);
}

/* --- Groups ----------------------------------------------------------------------------------- */

static int allocate(struct reading *self, struct sam_error *error)
{
    struct sam_input *input = &self->input;
    const size_t pairs = input->record->pair_count;
    const size_t groups = pairs > SAM_KINDS ? pairs : SAM_KINDS;
    return (input->groups = sam_memory_new(groups, sizeof *input->groups, error)) &&
                   (input->group_of = sam_memory_new(pairs, sizeof *input->group_of, error)) &&
                   (input->slot_of = sam_memory_new(pairs, sizeof *input->slot_of, error)) &&
                   (self->wanted = sam_memory_new(pairs, sizeof *self->wanted, error))
               ? 0
               : -1;
}

static int choose_pairs(struct reading *self, struct sam_error *error)
{
    struct sam_input *input = &self->input;
    const struct sam_record *record = input->record;
    input->parameters = input->slot_count = 0;
    for (size_t i = 0; i < record->pair_count; i++) {
        self->wanted[i] = sam_options_match(self->options, record->pairs[i].name);
        if (!self->wanted[i])
            continue;
        input->slot_of[i] = input->slot_count++;
        input->parameters += record->pairs[i].count;
    }
    if (input->slot_count == 0)
        return sam_input_fail(input, error, "no parameter, of %zu, matches --tensors '%s'%s",
                              record->pair_count, self->options->globs[0],
                              self->options->glob_count > 1 ? " or the others" : "");
    return 0;
}

static int check_same(struct reading *self, struct sam_error *error)
{
    const struct sam_record *record = self->input.record;
    struct sam_error cause;
    if (self->input.number == 1)
        return sam_parameters_init(&self->parameters, record->pairs, self->wanted,
                                   record->pair_count, error);
    if (sam_parameters_match(&self->parameters, record->pairs, self->wanted, record->pair_count,
                             self->input.slot_of, &cause))
        return sam_input_fail(&self->input, error, "%s", cause.text);
    return 0;
}

/* Where records are compared, a parameter's kind is what it was in the first. */
static enum sam_kind kind_of(const struct reading *self, size_t pair)
{
    return self->accepts & SAM_INPUT_SAME ? self->parameters.kinds[self->input.slot_of[pair]]
                                          : self->input.record->pairs[pair].kind;
}

/* Groups that may be empty of pairs: all kinds. Those are taken out again by close_gaps(). */
static void sort_into_groups(struct reading *self)
{
    struct sam_input *input = &self->input;
    const enum sam_options_by by = self->options->by;
    input->group_count = by == SAM_OPTIONS_BY_RECORD   ? 1
                         : by == SAM_OPTIONS_BY_TENSOR ? input->slot_count
                                                       : SAM_KINDS;
    for (size_t i = 0; i < input->record->pair_count; i++) {
        const struct sam_pair *pair = &input->record->pairs[i];
        input->group_of[i] = SAM_INPUT_UNWANTED;
        if (!self->wanted[i])
            continue;
        const size_t group = by == SAM_OPTIONS_BY_RECORD   ? 0
                             : by == SAM_OPTIONS_BY_TENSOR ? input->slot_of[i]
                                                           : (size_t)kind_of(self, i);
        input->group_of[i] = group;
        input->groups[group].parameters += pair->count;
        if (by == SAM_OPTIONS_BY_TENSOR)
            input->groups[group].name = pair->name;
        if (by == SAM_OPTIONS_BY_KIND)
            input->groups[group].name = sam_kind_name((enum sam_kind)group);
    }
}

static void close_gaps(struct sam_input *input)
{
    size_t kept = 0, moved[SAM_KINDS];
    for (size_t kind = 0; kind < SAM_KINDS; kind++) {
        moved[kind] = kept;
        if (input->groups[kind].name)
            input->groups[kept++] = input->groups[kind];
    }
    input->group_count = kept;
    for (size_t i = 0; i < input->record->pair_count; i++)
        if (input->group_of[i] != SAM_INPUT_UNWANTED)
            input->group_of[i] = moved[input->group_of[i]];
}

static int begin_record(struct reading *self, struct sam_error *error)
{
    struct sam_input *input = &self->input;
    input->number++;
    input->step =
        sam_header_meta(input->record->header, "step") ? input->record->step : input->number;
    if (self->accepts & SAM_INPUT_GRADIENTS && input->record->pairs[0].classes)
        return sam_input_fail(input, error, "a class record, wanted gradients");
    if (allocate(self, error) || choose_pairs(self, error))
        return -1;
    if (self->accepts & SAM_INPUT_SAME && check_same(self, error))
        return -1;
    sort_into_groups(self);
    if (self->options->by == SAM_OPTIONS_BY_KIND)
        close_gaps(input);
    return 0;
}

/* --- Operands --------------------------------------------------------------------------------- */

/* Opens the next operand: 1, or 0 if there is none left, or -1. */
static int open_next(struct reading *self, struct sam_error *error)
{
    const size_t count = self->options->file_count;
    sam_reader_free(self->reader);
    self->reader = NULL;
    if (self->next_file >= (count ? count : 1))
        return 0;
    self->reader = sam_reader_new(count ? self->options->files[self->next_file] : NULL, error);
    self->next_file++;
    return self->reader ? 1 : -1;
}

int sam_input_next(struct sam_input *input, struct sam_error *error)
{
    struct reading *self = (struct reading *)input;
    forget_record(self);
    if (!self->reader && self->next_file == 0 && open_next(self, error) < 0)
        return -1;
    while (self->reader) {
        const int got = sam_reader_next(self->reader, &input->record, error);
        if (got)
            return got < 0 || begin_record(self, error) ? -1 : 1;
        if (open_next(self, error) < 0)
            return -1;
    }
    return 0;
}

int sam_input_visit(struct sam_input *input, sam_reader_visitor *visit, void *context,
                    struct sam_error *error)
{
    return sam_input_visit_prepared(input, NULL, NULL, visit, context, error);
}

int sam_input_visit_prepared(struct sam_input *input, const bool *some,
                             const struct sam_preparation *preparation, sam_reader_visitor *visit,
                             void *context, struct sam_error *error)
{
    struct reading *self = (struct reading *)input;
    return sam_reader_visit_prepared(self->reader, some ? some : self->wanted, preparation, visit,
                                     context, error);
}

bool sam_input_repeats(const struct sam_input *input)
{
    return sam_reader_repeats(((const struct reading *)input)->reader);
}
