/* placement - the arrays of an engine in one arena that is just large enough.
 *
 * An engine writes down once, in a function, which arrays it wants; the function is called twice:
 * to learn the sum of their sizes, and to place them. So size and places cannot disagree. */
#ifndef SAM_NN_PLACEMENT_H
#define SAM_NN_PLACEMENT_H

#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

struct sam_placement {
    struct sam_arena *arena; /* NULL while sizes are summed */
    size_t bytes;            /* asked for so far */
};

/* Asks for all arrays, in the same order and sizes whenever it is called, and keeps the answers of
 * the last call. */
typedef void sam_placement_ask(void *context, struct sam_placement *placement);

/* An arena with all arrays that `ask` asks for. The caller frees it with sam_arena_free(). NULL
 * with `error` if memory is out. */
struct sam_arena *sam_placement_run(sam_placement_ask *ask, void *context, struct sam_error *error);

/* For use by `ask`: room for `count` elements of `size` bytes, as sam_arena_take() gives it; NULL
 * while sizes are summed. */
void *sam_placement_take(struct sam_placement *placement, size_t count, size_t size);

#endif
