/* survivors - the parameters that were members of a class in every record since a reference, and
 * how many there would be if each record's members were drawn independently. */
#ifndef SAM_ANALYSIS_SURVIVORS_H
#define SAM_ANALYSIS_SURVIVORS_H

#include <stdint.h>

#include "analysis/input.h"
#include "analysis/sets.h"
#include "base/error.h"

struct sam_survivors {
    struct sam_set set;
    double *chance; /* per group: the reference's members times the share of each record since */
    double *tensor_chance; /* per slot: the same within the tensor */
};

/* All members of the reference, which the input has at hand. The caller frees with
 * sam_survivors_free(). */
int sam_survivors_init(struct sam_survivors *survivors, struct sam_sets *sets,
                       const struct sam_input *input, const struct sam_set *reference,
                       struct sam_error *error);
void sam_survivors_free(struct sam_survivors *survivors);

/* Those that are members in the input's record at hand too. */
void sam_survivors_pass(struct sam_survivors *survivors, const struct sam_sets *sets,
                        const struct sam_input *input, const struct sam_set *members);

/* The sum of tensor_chance over a group. */
double sam_survivors_tensor_chance(const struct sam_survivors *survivors,
                                   const struct sam_sets *sets, size_t group);

#endif
