#include "analysis/parameters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int compare_names(const void *left, const void *right)
{
    const struct sam_parameter *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static int compare_name(const void *name, const void *parameter)
{
    return strcmp(name, ((const struct sam_parameter *)parameter)->name);
}

int sam_parameters_init(struct sam_parameters *parameters, const struct sam_pair *pairs,
                        const bool *wanted, size_t pair_count, struct sam_error *error)
{
    *parameters = (struct sam_parameters){0};
    parameters->sorted = sam_memory_new(pair_count, sizeof *parameters->sorted, error);
    if (!parameters->sorted)
        return -1;
    for (size_t i = 0; i < pair_count; i++) {
        if (!wanted[i])
            continue;
        struct sam_parameter *parameter = &parameters->sorted[parameters->count];
        parameter->name = sam_memory_string(pairs[i].name, error);
        if (!parameter->name) {
            sam_parameters_free(parameters);
            return -1;
        }
        parameter->ndim = pairs[i].ndim;
        memcpy(parameter->shape, pairs[i].shape, (size_t)pairs[i].ndim * sizeof(uint64_t));
        parameter->count = pairs[i].count;
        parameter->kind = pairs[i].kind;
        parameter->slot = parameters->count++;
    }
    qsort(parameters->sorted, parameters->count, sizeof *parameters->sorted, compare_names);
    return 0;
}

static bool same_shape(const struct sam_parameter *parameter, const struct sam_pair *pair)
{
    return parameter->ndim == pair->ndim &&
           memcmp(parameter->shape, pair->shape, (size_t)pair->ndim * sizeof(uint64_t)) == 0;
}

int sam_parameters_match(const struct sam_parameters *parameters, const struct sam_pair *pairs,
                         const bool *wanted, size_t pair_count, size_t *slots,
                         struct sam_error *error)
{
    size_t matched = 0;
    for (size_t i = 0; i < pair_count; i++) {
        if (!wanted[i])
            continue;
        const struct sam_parameter *parameter =
            bsearch(pairs[i].name, parameters->sorted, parameters->count,
                    sizeof *parameters->sorted, compare_name);
        if (!parameter)
            return sam_error_set(error, SAM_FAILED,
                                 "a parameter '%.128s', wanted those of the first record",
                                 pairs[i].name);
        if (!same_shape(parameter, &pairs[i]))
            return sam_error_set(error, SAM_FAILED,
                                 "parameter '%.128s' has another shape, %" PRIu64
                                 " elements, wanted that of the first record, %" PRIu64,
                                 pairs[i].name, pairs[i].count, parameter->count);
        if (parameter->kind != pairs[i].kind)
            return sam_error_set(error, SAM_FAILED,
                                 "parameter '%.128s' is of kind %s by its neighbours, wanted %s as "
                                 "in the first record",
                                 pairs[i].name, sam_kind_name(pairs[i].kind),
                                 sam_kind_name(parameter->kind));
        slots[i] = parameter->slot;
        matched++;
    }
    if (matched != parameters->count)
        return sam_error_set(error, SAM_FAILED,
                             "%zu parameter tensors, wanted the %zu of the first record", matched,
                             parameters->count);
    return 0;
}

void sam_parameters_free(struct sam_parameters *parameters)
{
    for (size_t i = 0; i < parameters->count; i++)
        free(parameters->sorted[i].name);
    free(parameters->sorted);
    *parameters = (struct sam_parameters){0};
}
