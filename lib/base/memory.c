#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int multiply(size_t count, size_t size, size_t *bytes, struct sam_error *error)
{
    if (__builtin_mul_overflow(count, size, bytes) || *bytes > SIZE_MAX / 2)
        return sam_error_set(error, SAM_FAILED, "out of memory: %zu elements of %zu bytes wanted",
                             count, size);
    return 0;
}

static size_t align(size_t bytes)
{
    return (bytes + SAM_MEMORY_ALIGNMENT - 1) / SAM_MEMORY_ALIGNMENT * SAM_MEMORY_ALIGNMENT;
}

void *sam_memory_new(size_t count, size_t size, struct sam_error *error)
{
    size_t bytes;
    if (multiply(count, size, &bytes, error))
        return NULL;
    size_t padded = align(bytes ? bytes : 1);
    void *block = aligned_alloc(SAM_MEMORY_ALIGNMENT, padded);
    if (!block) {
        sam_error_set(error, SAM_FAILED, "out of memory: %zu bytes wanted", bytes);
        return NULL;
    }
    return memset(block, 0, padded);
}

void *sam_memory_resize(void *block, size_t count, size_t size, struct sam_error *error)
{
    size_t bytes;
    if (multiply(count, size, &bytes, error))
        return NULL;
    void *resized = realloc(block, bytes ? bytes : 1);
    if (!resized)
        sam_error_set(error, SAM_FAILED, "out of memory: %zu bytes wanted", bytes);
    return resized;
}

char *sam_memory_string(const char *text, struct sam_error *error)
{
    char *copy = strdup(text);
    if (!copy)
        sam_error_set(error, SAM_FAILED, "out of memory: %zu bytes wanted", strlen(text) + 1);
    return copy;
}

/* What a huge page holds, where the system has them. */
enum { HUGE_PAGE = 2 << 20 };

struct sam_arena {
    unsigned char *base; /* (mapped) */
    size_t mapped, bytes, used;
};

/* The last part of an arena gets a huge page too, if it is more than a few dozen small ones, which
 * together take as long to fault in. */
static size_t to_be_mapped(size_t bytes)
{
    const size_t last = bytes % HUGE_PAGE;
    return last < HUGE_PAGE / 8 ? bytes : bytes - last + HUGE_PAGE;
}

struct sam_arena *sam_arena_new(size_t bytes, struct sam_error *error)
{
    struct sam_arena *arena = sam_memory_new(1, sizeof *arena, error);
    if (!arena)
        return NULL;
    arena->bytes = align(bytes ? bytes : 1);
    arena->mapped = to_be_mapped(arena->bytes);
    arena->base =
        mmap(NULL, arena->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena->base == MAP_FAILED) {
        sam_error_errno(error, "out of memory: %zu bytes wanted", arena->bytes);
        free(arena);
        return NULL;
    }
    /* Huge pages are a wish: where they are refused, ordinary ones serve. */
    (void)madvise(arena->base, arena->mapped, MADV_HUGEPAGE);
    return arena;
}

void sam_arena_free(struct sam_arena *arena)
{
    if (!arena)
        return;
    munmap(arena->base, arena->mapped);
    free(arena);
}

struct sam_arena *sam_arena_renew(struct sam_arena *arena, size_t bytes, struct sam_error *error)
{
    if (arena && bytes <= arena->bytes) {
        sam_arena_clear(arena);
        return arena;
    }
    sam_arena_free(arena);
    return sam_arena_new(bytes, error);
}

void *sam_arena_take(struct sam_arena *arena, size_t count, size_t size, struct sam_error *error)
{
    size_t bytes;
    if (multiply(count, size, &bytes, error))
        return NULL;
    size_t padded = align(bytes);
    if (padded > arena->bytes - arena->used) {
        sam_error_set(error, SAM_FAILED, "arena too small: %zu of %zu bytes used, %zu wanted",
                      arena->used, arena->bytes, padded);
        return NULL;
    }
    void *piece = arena->base + arena->used;
    arena->used += padded;
    return piece;
}

void sam_arena_clear(struct sam_arena *arena)
{
    arena->used = 0;
}
