#include "analysis/classes.h"

#include <inttypes.h>
#include <string.h>

static void classify(const struct sam_classes *classes, const struct sam_chunk *chunk,
                     uint8_t *found)
{
    if (chunk->dtype == SAM_F64)
        sam_ratio_classify_double(chunk->current, chunk->perturbed, chunk->count, found);
    else if (classes->published)
        sam_ratio_classify_published(chunk->current, chunk->perturbed, chunk->count, classes->eps,
                                     found);
    else
        sam_ratio_classify(chunk->current, chunk->perturbed, chunk->count, found);
}

/* The published rule works in single precision, whatever the gradients are stored in. */
static void classify_narrowed(const struct sam_classes *classes, const struct sam_chunk *chunk,
                              uint8_t *found)
{
    const double *current = chunk->current, *perturbed = chunk->perturbed;
    for (size_t i = 0; i < chunk->count; i++)
        found[i] = sam_ratio_class_published((float)current[i], (float)perturbed[i], classes->eps);
}

static int refuse_value(const struct sam_input *input, const struct sam_chunk *chunk,
                        struct sam_error *error)
{
    const uint8_t *values = chunk->current;
    size_t i = 0;
    while (i < chunk->count && values[i] < SAM_RATIO_CLASSES)
        i++;
    return sam_input_fail(input, error,
                          "class/%.128s: element %" PRIu64 " is %d, wanted a class, 0 to 4",
                          input->record->pairs[chunk->pair].name, chunk->first + i, values[i]);
}

/* Counts the chunk's classes; those that were read may be none. */
static int count(const struct sam_input *input, const struct sam_chunk *chunk,
                 const uint8_t *classes, uint64_t counts[SAM_RATIO_CLASSES],
                 struct sam_error *error)
{
    uint64_t sum = 0;
    memset(counts, 0, SAM_RATIO_CLASSES * sizeof *counts);
    sam_ratio_count(classes, chunk->count, counts);
    for (int class = 0; class < SAM_RATIO_CLASSES; class ++)
        sum += counts[class];
    return sum == chunk->count ? 0 : refuse_value(input, chunk, error);
}

int sam_classes_check(const struct sam_input *input, const struct sam_chunk *chunk,
                      struct sam_error *error)
{
    uint64_t counts[SAM_RATIO_CLASSES];
    return chunk->dtype == SAM_U8 ? count(input, chunk, chunk->current, counts, error) : 0;
}

int sam_classes_find(const struct sam_classes *classes, const struct sam_chunk *chunk,
                     struct sam_classified *classified, struct sam_error *error)
{
    const bool read = chunk->dtype == SAM_U8;
    if (read && classes->published)
        return sam_input_fail(classes->input, error,
                              "a class record, wanted gradients: --eps classifies anew");
    classified->classes = read ? chunk->current : classified->buffer;
    if (!read && classes->published && chunk->dtype == SAM_F64)
        classify_narrowed(classes, chunk, classified->buffer);
    else if (!read)
        classify(classes, chunk, classified->buffer);
    return count(classes->input, chunk, classified->classes, classified->counts, error);
}

void sam_classified_add(const struct sam_classified *classified, uint64_t counts[SAM_RATIO_CLASSES])
{
    for (int class = 0; class < SAM_RATIO_CLASSES; class ++)
        counts[class] += classified->counts[class];
}

static int prepare(const void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    return sam_classes_find(context, chunk, chunk->prepared, error);
}

struct sam_preparation sam_classes_preparation(const struct sam_classes *classes)
{
    return (struct sam_preparation){prepare, classes, sizeof(struct sam_classified)};
}
