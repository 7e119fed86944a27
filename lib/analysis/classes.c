#include "analysis/classes.h"

#include <inttypes.h>

static void classify(struct sam_classes *classes, const struct sam_chunk *chunk)
{
    if (chunk->dtype == SAM_F64)
        sam_ratio_classify_double(chunk->current, chunk->perturbed, chunk->count, classes->buffer);
    else if (classes->published)
        sam_ratio_classify_published(chunk->current, chunk->perturbed, chunk->count, classes->eps,
                                     classes->buffer);
    else
        sam_ratio_classify(chunk->current, chunk->perturbed, chunk->count, classes->buffer);
}

/* The published rule works in single precision, whatever the gradients are stored in. */
static void classify_narrowed(struct sam_classes *classes, const struct sam_chunk *chunk)
{
    const double *current = chunk->current, *perturbed = chunk->perturbed;
    for (size_t i = 0; i < chunk->count; i++)
        classes->buffer[i] =
            sam_ratio_class_published((float)current[i], (float)perturbed[i], classes->eps);
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

static uint64_t sum(const uint64_t counts[SAM_RATIO_CLASSES])
{
    return counts[0] + counts[1] + counts[2] + counts[3] + counts[4];
}

const uint8_t *sam_classes_of(struct sam_classes *classes, const struct sam_input *input,
                              const struct sam_chunk *chunk, uint64_t counts[SAM_RATIO_CLASSES],
                              struct sam_error *error)
{
    const bool read = chunk->dtype == SAM_U8;
    if (read && classes->published) {
        sam_input_fail(input, error, "a class record, wanted gradients: --eps classifies anew");
        return NULL;
    }
    if (!read && classes->published && chunk->dtype == SAM_F64)
        classify_narrowed(classes, chunk);
    else if (!read)
        classify(classes, chunk);
    const uint8_t *found = read ? chunk->current : classes->buffer;
    const uint64_t before = sum(counts);
    sam_ratio_count(found, chunk->count, counts);
    if (sum(counts) - before != chunk->count) {
        refuse_value(input, chunk, error);
        return NULL;
    }
    return found;
}
