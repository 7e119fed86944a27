#include "nn/placement.h"

struct sam_arena *sam_placement_run(sam_placement_ask *ask, void *context, struct sam_error *error)
{
    struct sam_placement placement = {0};
    ask(context, &placement);
    placement.arena = sam_arena_new(placement.bytes, error);
    if (placement.arena)
        ask(context, &placement);
    return placement.arena;
}

void *sam_placement_take(struct sam_placement *placement, size_t count, size_t size)
{
    const size_t lines = (count * size + SAM_MEMORY_ALIGNMENT - 1) / SAM_MEMORY_ALIGNMENT;
    placement->bytes += lines * SAM_MEMORY_ALIGNMENT;
    struct sam_error never; /* the arena was made to fit */
    return placement->arena ? sam_arena_take(placement->arena, count, size, &never) : NULL;
}
