/* copy - tensors of a reader or of arrays to a writer, in another dtype where that is wanted.
 *
 * A reader hands out both tensors of a pair in step, a record has them one behind the other: of a
 * pair, perturbed/NAME waits in memory until current/NAME has been written. */
#ifndef SAM_STREAM_COPY_H
#define SAM_STREAM_COPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"
#include "stream/npy.h"
#include "stream/reader.h"
#include "stream/writer.h"

struct sam_copy {
    struct sam_writer *writer; /* the caller's */
    bool convert;              /* gradients become `dtype`; else they stay what they are */
    enum sam_dtype dtype;

    /* Private. */
    struct sam_arena *arena;             /* of which only the pages used are ever touched */
    unsigned char *elements, *converted; /* SAM_READER_CHUNK elements of any dtype */
    unsigned char *later;                /* what waits: later_bytes of later_capacity */
    size_t later_bytes, later_capacity;
};

/* Takes `writer`, and converts nothing; the caller sets `convert` and `dtype` where it wants to,
 * and ends with sam_copy_free(). */
int sam_copy_init(struct sam_copy *copy, struct sam_writer *writer, struct sam_error *error);
void sam_copy_free(struct sam_copy *copy);

/* Announces the tensors of a pair to the writer: class/NAME, or current/NAME and perturbed/NAME. */
int sam_copy_announce(struct sam_copy *copy, const struct sam_pair *pair, struct sam_error *error);

/* Writes the next chunk of `pair`; chunks come as a visit has them. */
int sam_copy_chunk(struct sam_copy *copy, const struct sam_pair *pair,
                   const struct sam_chunk *chunk, struct sam_error *error);

/* Announces an array and its partner, of the same shape and dtype, as the pair of `name`. */
int sam_copy_announce_array(struct sam_copy *copy, const char *name, const struct sam_npy *npy,
                            struct sam_error *error);

/* Writes a whole array, and sees that its file ends there. */
int sam_copy_array(struct sam_copy *copy, struct sam_npy *npy, struct sam_error *error);

#endif
