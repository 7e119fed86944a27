/* memory - allocations that report failure as a sam_error, and arenas for long work. */
#ifndef SAM_BASE_MEMORY_H
#define SAM_BASE_MEMORY_H

#include <stddef.h>

#include "base/error.h"

/* Every block of this room starts on a cache line, which is also the widest vector's size. */
enum { SAM_MEMORY_ALIGNMENT = 64 };

/* `count` zeroed elements of `size` bytes, aligned to SAM_MEMORY_ALIGNMENT; NULL (with `error`
 * filled) if they cannot be had or count * size overflows. The caller frees with free(). */
void *sam_memory_new(size_t count, size_t size, struct sam_error *error);

/* `block` (from malloc or NULL) grown or shrunk to `count` elements of `size` bytes, contents kept,
 * as realloc() does, but with overflow checked. On failure NULL, and `block` is still valid. */
void *sam_memory_resize(void *block, size_t count, size_t size, struct sam_error *error);

/* A copy of a string. The caller frees. */
char *sam_memory_string(const char *text, struct sam_error *error);

/* An arena: one mapping, on huge pages where the system has them, that takes up only the pages that
 * were touched. Pieces of it are handed out and never given back singly. First-touch page faults in
 * the middle of a training step are what it avoids. */
struct sam_arena;

/* Maps `bytes` (rounded up to pages, or to a whole huge page); zeroed. */
struct sam_arena *sam_arena_new(size_t bytes, struct sam_error *error);
void sam_arena_free(struct sam_arena *arena);

/* An empty arena of `bytes` or more in the place of `arena`, or of none (NULL): itself where it is
 * large enough, else a new one. NULL with `error` filled; `arena` is gone then too. */
struct sam_arena *sam_arena_renew(struct sam_arena *arena, size_t bytes, struct sam_error *error);

/* `count` elements of `size` bytes from the arena, aligned to SAM_MEMORY_ALIGNMENT, zeroed unless
 * used before a sam_arena_clear() or _renew(). NULL with `error` if the arena is too small. */
void *sam_arena_take(struct sam_arena *arena, size_t count, size_t size, struct sam_error *error);

/* Makes all that was taken free again. */
void sam_arena_clear(struct sam_arena *arena);

#endif
