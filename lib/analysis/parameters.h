/* parameters - the parameters of a stream's first record, which the tools that compare records
 * demand of all others: the same names with the same shapes, in any order. */
#ifndef SAM_ANALYSIS_PARAMETERS_H
#define SAM_ANALYSIS_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/pairs.h"

struct sam_parameter {
    char *name;
    int ndim;
    uint64_t shape[SAM_SAFETENSORS_MAX_DIMS];
    uint64_t count;
    size_t slot; /* its place among the wanted pairs of the first record, from 0 */
};

struct sam_parameters {
    struct sam_parameter *sorted; /* by name */
    size_t count;
    enum sam_kind *kinds; /* by slot: other records may lack the neighbours that tell a kind */
};

/* Remembers the pairs for which wanted[pair] is set. The caller frees with sam_parameters_free().
 */
int sam_parameters_init(struct sam_parameters *parameters, const struct sam_pair *pairs,
                        const bool *wanted, size_t pair_count, struct sam_error *error);

/* Finds, for each wanted pair of another record, its slot, into slots (pair_count). Refuses a
 * parameter too many or too few, or of another shape; the message does not name the file. */
int sam_parameters_match(const struct sam_parameters *parameters, const struct sam_pair *pairs,
                         const bool *wanted, size_t pair_count, size_t *slots,
                         struct sam_error *error);

void sam_parameters_free(struct sam_parameters *parameters);

#endif
