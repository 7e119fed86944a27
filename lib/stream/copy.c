#include "stream/copy.h"

#include <stdlib.h>

#include "stream/convert.h"

int sam_copy_init(struct sam_copy *copy, struct sam_writer *writer, struct sam_error *error)
{
    const size_t n = SAM_READER_CHUNK, size = sizeof(double);
    *copy = (struct sam_copy){.writer = writer};
    copy->arena = sam_arena_new(2 * n * size, error);
    if (!copy->arena)
        return -1;
    copy->elements = sam_arena_take(copy->arena, n, size, error);
    copy->converted = sam_arena_take(copy->arena, n, size, error);
    return 0;
}

void sam_copy_free(struct sam_copy *copy)
{
    sam_arena_free(copy->arena);
    free(copy->later);
    *copy = (struct sam_copy){0};
}

static enum sam_dtype dtype_out(const struct sam_copy *copy, enum sam_dtype dtype)
{
    return copy->convert ? copy->dtype : dtype;
}

/* Writes `n` elements of dtype `from` as `to`. */
static int write_elements(struct sam_copy *copy, enum sam_dtype from, const void *data, size_t n,
                          enum sam_dtype to, struct sam_error *error)
{
    if (from != to) {
        sam_convert(from, data, n, to, copy->converted);
        data = copy->converted;
    }
    return sam_writer_data(copy->writer, data, n * sam_dtype_size(to), error);
}

/* Lets `n` elements wait, as `to`. */
static int keep_elements(struct sam_copy *copy, enum sam_dtype from, const void *data, size_t n,
                         enum sam_dtype to, struct sam_error *error)
{
    const size_t bytes = n * sam_dtype_size(to);
    if (bytes > copy->later_capacity - copy->later_bytes) {
        const size_t capacity = 2 * copy->later_capacity + bytes;
        unsigned char *later = sam_memory_resize(copy->later, capacity, 1, error);
        if (!later)
            return -1;
        copy->later = later;
        copy->later_capacity = capacity;
    }
    sam_convert(from, data, n, to, copy->later + copy->later_bytes);
    copy->later_bytes += bytes;
    return 0;
}

int sam_copy_announce(struct sam_copy *copy, const struct sam_pair *pair, struct sam_error *error)
{
    size_t shape[SAM_SAFETENSORS_MAX_DIMS];
    for (int i = 0; i < pair->ndim; i++)
        shape[i] = pair->shape[i];
    if (pair->classes)
        return sam_writer_tensor(copy->writer, pair->current->name, SAM_U8, pair->ndim, shape,
                                 error);
    return sam_writer_pair(copy->writer, pair->name, dtype_out(copy, pair->current->dtype),
                           pair->ndim, shape, error);
}

int sam_copy_chunk(struct sam_copy *copy, const struct sam_pair *pair,
                   const struct sam_chunk *chunk, struct sam_error *error)
{
    if (pair->classes)
        return sam_writer_data(copy->writer, chunk->current, chunk->count, error);
    const enum sam_dtype to = dtype_out(copy, pair->current->dtype);
    if (write_elements(copy, chunk->dtype, chunk->current, chunk->count, to, error) ||
        keep_elements(copy, chunk->dtype, chunk->perturbed, chunk->count, to, error))
        return -1;
    if (chunk->first + chunk->count < pair->count)
        return 0;
    const size_t bytes = copy->later_bytes;
    copy->later_bytes = 0;
    return sam_writer_data(copy->writer, copy->later, bytes, error);
}

int sam_copy_announce_array(struct sam_copy *copy, const char *name, const struct sam_npy *npy,
                            struct sam_error *error)
{
    return sam_writer_pair(copy->writer, name, dtype_out(copy, npy->dtype), npy->ndim, npy->shape,
                           error);
}

int sam_copy_array(struct sam_copy *copy, struct sam_npy *npy, struct sam_error *error)
{
    for (uint64_t left = npy->count; left > 0;) {
        const size_t n = left < SAM_READER_CHUNK ? (size_t)left : SAM_READER_CHUNK;
        if (sam_npy_read(npy, copy->elements, n, error) ||
            write_elements(copy, npy->dtype, copy->elements, n, dtype_out(copy, npy->dtype), error))
            return -1;
        left -= n;
    }
    return sam_npy_end(npy, error);
}
