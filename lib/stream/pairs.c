#include "stream/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A tensor of the header that is part of a parameter. */
struct part {
    const char *name; /* of the parameter */
    enum role { CURRENT, PERTURBED, CLASSES, ROLES } role;
    const struct sam_tensor *tensor;
};

static const char *const prefixes[ROLES] = {"current/", "perturbed/", "class/"};

const struct sam_tensor *sam_pair_first(const struct sam_pair *pair)
{
    return !pair->perturbed || pair->current < pair->perturbed ? pair->current : pair->perturbed;
}

const struct sam_tensor *sam_pair_last(const struct sam_pair *pair)
{
    return !pair->perturbed || pair->current > pair->perturbed ? pair->current : pair->perturbed;
}

static int compare_parts(const void *left, const void *right)
{
    const struct part *a = left, *b = right;
    const int order = strcmp(a->name, b->name);
    return order ? order : (int)a->role - (int)b->role;
}

static int compare_completion(const void *left, const void *right)
{
    const struct sam_tensor *a = sam_pair_last(left), *b = sam_pair_last(right);
    return (a > b) - (a < b);
}

static int compare_weight(const void *bias, const void *pair)
{
    return sam_kind_compare_weight(bias, ((const struct sam_pair *)pair)->name);
}

/* The header's parts sorted by name and role, so that a pair's lie side by side. */
static size_t collect_parts(const struct sam_header *header, struct part *parts)
{
    size_t count = 0;
    for (size_t i = 0; i < header->tensor_count; i++)
        for (enum role role = 0; role < ROLES; role++) {
            const size_t length = strlen(prefixes[role]);
            const char *name = header->tensors[i].name;
            if (strncmp(name, prefixes[role], length) == 0)
                parts[count++] = (struct part){name + length, role, &header->tensors[i]};
        }
    qsort(parts, count, sizeof *parts, compare_parts);
    return count;
}

static bool same_shape(const struct sam_tensor *a, const struct sam_tensor *b)
{
    return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * 8) == 0;
}

static int check_dtype(const struct part *part, struct sam_error *error)
{
    const enum sam_dtype dtype = part->tensor->dtype;
    const bool right = part->role == CLASSES ? dtype == SAM_U8 : sam_dtype_is_gradient(dtype);
    if (!right)
        return sam_error_set(error, SAM_FAILED, "tensor '%.128s': dtype %s, wanted %s",
                             part->tensor->name, part->tensor->dtype_text,
                             part->role == CLASSES ? "U8" : "F64, F32, F16 or BF16");
    return 0;
}

static int refuse_shape(const struct sam_tensor *current, const struct sam_tensor *perturbed,
                        struct sam_error *error)
{
    char seen[SAM_TENSOR_SHAPE], wanted[SAM_TENSOR_SHAPE];
    sam_tensor_shape(perturbed->ndim, perturbed->shape, seen);
    sam_tensor_shape(current->ndim, current->shape, wanted);
    return sam_error_set(error, SAM_FAILED,
                         "tensor '%.128s' has shape %s, wanted %s as '%.128s' has", perturbed->name,
                         seen, wanted, current->name);
}

static int check_partners(const struct sam_tensor *current, const struct sam_tensor *perturbed,
                          struct sam_error *error)
{
    if (!same_shape(current, perturbed))
        return refuse_shape(current, perturbed, error);
    if (current->dtype != perturbed->dtype)
        return sam_error_set(
            error, SAM_FAILED, "tensor '%.128s' has dtype %s, wanted %s as '%.128s' has",
            perturbed->name, perturbed->dtype_text, current->dtype_text, current->name);
    return 0;
}

/* Makes a pair of the parts that start at `part`; *used is their number. */
static int join(const struct part *part, size_t left, struct sam_pair *pair, size_t *used,
                struct sam_error *error)
{
    const struct part *partner =
        left > 1 && strcmp(part[0].name, part[1].name) == 0 ? &part[1] : NULL;
    *pair = (struct sam_pair){.name = part->name,
                              .ndim = part->tensor->ndim,
                              .shape = part->tensor->shape,
                              .count = part->tensor->count,
                              .classes = part->role == CLASSES,
                              .current = part->tensor};
    if (check_dtype(part, error))
        return -1;
    *used = 1;
    if (part->role == CLASSES)
        return 0;
    const enum role wanted = part->role == CURRENT ? PERTURBED : CURRENT;
    if (!partner || partner->role != wanted)
        return sam_error_set(error, SAM_FAILED,
                             "tensor '%.128s' without its partner, wanted '%s%.128s'",
                             part->tensor->name, prefixes[wanted], part->name);
    *used = 2;
    pair->perturbed = partner->tensor;
    return check_partners(pair->current, pair->perturbed, error);
}

/* `pairs` are sorted by name. */
static void find_kinds(struct sam_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct sam_pair *weight = NULL;
        if (sam_kind_is_bias(pairs[i].name))
            weight = bsearch(pairs[i].name, pairs, count, sizeof *pairs, compare_weight);
        pairs[i].kind = sam_kind_of(pairs[i].name, pairs[i].ndim, weight ? weight->ndim : -1);
    }
}

static int join_all(const struct part *parts, size_t part_count, struct sam_pair *pairs,
                    size_t *count, struct sam_error *error)
{
    size_t used;
    for (size_t i = 0; i < part_count; i += used) {
        if (join(&parts[i], part_count - i, &pairs[*count], &used, error))
            return -1;
        if (pairs[*count].classes != pairs[0].classes)
            return sam_error_set(error, SAM_FAILED,
                                 "'%.128s' and '%.128s', wanted gradients or classes, not both",
                                 pairs[0].current->name, pairs[*count].current->name);
        ++*count;
    }
    if (*count == 0)
        return sam_error_set(error, SAM_FAILED,
                             "no parameters, wanted tensors current/NAME and perturbed/NAME, "
                             "or class/NAME");
    find_kinds(pairs, *count);
    qsort(pairs, *count, sizeof *pairs, compare_completion);
    return 0;
}

int sam_pairs_find(const struct sam_header *header, struct sam_pair **pairs, size_t *count,
                   struct sam_error *error)
{
    *count = 0;
    *pairs = NULL;
    struct part *parts = sam_memory_new(header->tensor_count, sizeof *parts, error);
    if (!parts)
        return -1;
    const size_t part_count = collect_parts(header, parts);
    struct sam_pair *found = sam_memory_new(part_count, sizeof *found, error);
    const int status = found ? join_all(parts, part_count, found, count, error) : -1;
    free(parts);
    if (status)
        free(found);
    else
        *pairs = found;
    return status;
}
