/* classes - the ratio classes of the parameters of each chunk, from gradients or from a class
 * record: what the analysis tools prepare before they visit a chunk (stream/reader.h). */
#ifndef SAM_ANALYSIS_CLASSES_H
#define SAM_ANALYSIS_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/input.h"
#include "base/error.h"
#include "geometry/ratio.h"
#include "stream/reader.h"

/* How to classify. */
struct sam_classes {
    const struct sam_input *input; /* whose record at hand is classified */
    bool published;                /* by the rule of the notes' published code, with eps */
    float eps;
};

/* A chunk's classes, valid as long as its data. */
struct sam_classified {
    uint64_t counts[SAM_RATIO_CLASSES];
    const uint8_t *classes; /* (chunk->count): those below, or what a class record has */
    uint8_t buffer[SAM_READER_CHUNK];
};

/* Adds the counts of a chunk to others. */
void sam_classified_add(const struct sam_classified *classified,
                        uint64_t counts[SAM_RATIO_CLASSES]);

/* Fills `classified` for a chunk. Refuses a class record's value above 4, and a class record where
 * the published rule is asked for. */
int sam_classes_find(const struct sam_classes *classes, const struct sam_chunk *chunk,
                     struct sam_classified *classified, struct sam_error *error);

/* Refuses a class record's value above 4, for who needs no more of classes than that. */
int sam_classes_check(const struct sam_input *input, const struct sam_chunk *chunk,
                      struct sam_error *error);

/* The preparation that makes a struct sam_classified of each chunk; `classes` must outlive it. */
struct sam_preparation sam_classes_preparation(const struct sam_classes *classes);

#endif
