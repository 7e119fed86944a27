/* ranges - lists of whole numbers as people type them: "1,176,352-360". */
#ifndef SAM_BASE_RANGES_H
#define SAM_BASE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sam_ranges {
    struct sam_range {
        uint64_t first, last;
    } * list;
    size_t count;
};

/* Parses numbers and ranges FIRST-LAST, both within least .. most, with commas between. `name` is
 * how the message calls the value ("--steps"); errors have status SAM_USAGE. The caller frees with
 * sam_ranges_free(). */
int sam_ranges_parse(const char *name, const char *text, uint64_t least, uint64_t most,
                     struct sam_ranges *ranges, struct sam_error *error);
void sam_ranges_free(struct sam_ranges *ranges);

bool sam_ranges_contain(const struct sam_ranges *ranges, uint64_t value);

#endif
