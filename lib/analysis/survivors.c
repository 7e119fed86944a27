#include "analysis/survivors.h"

#include <stdlib.h>

#include "base/memory.h"

int sam_survivors_init(struct sam_survivors *survivors, struct sam_sets *sets,
                       const struct sam_input *input, const struct sam_set *reference,
                       struct sam_error *error)
{
    const size_t groups = input->group_count, slots = sets->slot_count;
    *survivors = (struct sam_survivors){0};
    if (sam_sets_make(sets, &survivors->set, error))
        return -1;
    if (!(survivors->chance = sam_memory_new(groups, sizeof(double), error)) ||
        !(survivors->tensor_chance = sam_memory_new(slots, sizeof(double), error))) {
        sam_survivors_free(survivors);
        return -1;
    }
    sam_sets_copy(sets, &survivors->set, reference);
    for (size_t slot = 0; slot < slots; slot++) {
        survivors->chance[sets->group_of[slot]] += (double)reference->sizes[slot];
        survivors->tensor_chance[slot] = (double)reference->sizes[slot];
    }
    return 0;
}

void sam_survivors_free(struct sam_survivors *survivors)
{
    free(survivors->chance);
    free(survivors->tensor_chance);
    *survivors = (struct sam_survivors){0};
}

void sam_survivors_pass(struct sam_survivors *survivors, const struct sam_sets *sets,
                        const struct sam_input *input, const struct sam_set *members)
{
    sam_sets_intersect(sets, &survivors->set, members);
    for (size_t group = 0; group < input->group_count; group++) {
        const uint64_t size = sam_sets_size(sets, members, group);
        survivors->chance[group] *= (double)size / (double)input->groups[group].parameters;
    }
    for (size_t slot = 0; slot < sets->slot_count; slot++)
        if (sets->parameters[slot] > 0)
            survivors->tensor_chance[slot] *=
                (double)members->sizes[slot] / (double)sets->parameters[slot];
}

double sam_survivors_tensor_chance(const struct sam_survivors *survivors,
                                   const struct sam_sets *sets, size_t group)
{
    double sum = 0;
    for (size_t slot = sets->first_of[group]; slot != SAM_SETS_NONE; slot = sets->next_of[slot])
        sum += survivors->tensor_chance[slot];
    return sum;
}
