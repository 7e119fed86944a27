/* classes - the ratio classes of a chunk of parameters, from gradients or from a class record. */
#ifndef SAM_ANALYSIS_CLASSES_H
#define SAM_ANALYSIS_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/input.h"
#include "base/error.h"
#include "geometry/ratio.h"
#include "stream/reader.h"

struct sam_classes {
    bool published; /* by the rule of the notes' published code, with eps */
    float eps;
    uint8_t buffer[SAM_READER_CHUNK];
};

/* The classes of the chunk's parameters (chunk->count), valid until the next call; what each class
 * has is added to `counts`. Refuses a class record's value above 4, and a class record where the
 * published rule is asked for. NULL with `error` filled. */
const uint8_t *sam_classes_of(struct sam_classes *classes, const struct sam_input *input,
                              const struct sam_chunk *chunk, uint64_t counts[SAM_RATIO_CLASSES],
                              struct sam_error *error);

#endif
