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
    if (!(parameters->sorted = sam_memory_new(pair_count, sizeof *parameters->sorted, error)) ||
        !(parameters->kinds = sam_memory_new(pair_count, sizeof *parameters->kinds, error))) {
        sam_parameters_free(parameters);
        return -1;
    }
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
        parameter->slot = parameters->count++;
        parameters->kinds[parameter->slot] = pairs[i].kind;
    }
    qsort(parameters->sorted, parameters->count, sizeof *parameters->sorted, compare_names);
    return 0;
}

static bool same_shape(const struct sam_parameter *parameter, const struct sam_pair *pair)
{
    return parameter->ndim == pair->ndim &&
           memcmp(parameter->shape, pair->shape, (size_t)pair->ndim * sizeof(uint64_t)) == 0;
}

static int refuse_shape(const struct sam_parameter *parameter, const struct sam_pair *pair,
                        struct sam_error *error)
{
    char seen[SAM_TENSOR_SHAPE], wanted[SAM_TENSOR_SHAPE];
    sam_tensor_shape(pair->ndim, pair->shape, seen);
    sam_tensor_shape(parameter->ndim, parameter->shape, wanted);
    return sam_error_set(error, SAM_FAILED,
                         "parameter '%.128s' has shape %s, wanted %s as in the first record",
                         pair->name, seen, wanted);
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
            return refuse_shape(parameter, &pairs[i], error);
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
    free(parameters->kinds);
    *parameters = (struct sam_parameters){0};
}
