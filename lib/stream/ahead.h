/* ahead - a visit to the chunks of a file by two threads, each of which reads and prepares what
 * comes next. Inside this room.
 *
 * Chunks are visited in their order, one at a time, by whichever thread has read the one whose turn
 * it is: neither waits for the other before its rooms are full. So the visitor sees the same
 * chunks, the same errors and the same end as with one thread. A visit returns when the second
 * thread has left it; since that waits for a read to end, a pipe must not be visited so. */
#ifndef SAM_STREAM_AHEAD_H
#define SAM_STREAM_AHEAD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/pool.h"
#include "stream/reader.h"

/* Rooms for chunks, some for each thread, since memory that two processors write to in turn is
 * slow. As many as let one thread go on while another program has the other's processor for a
 * while; those that are not needed are never touched. */
enum { SAM_AHEAD_THREADS = 2, SAM_AHEAD_EACH = 6 };
enum { SAM_AHEAD_ROOMS = SAM_AHEAD_THREADS * SAM_AHEAD_EACH };

/* The chunks of a file: functions of a context that both threads may call at once. */
struct sam_ahead_file {
    const void *context;
    /* Makes `chunk` the one behind it, but for its data; false behind the last, however often it is
     * asked. The first is behind a chunk of zeros. */
    bool (*next)(const void *context, struct sam_chunk *chunk);
    /* Reads the data of the chunk into room 0 .. SAM_AHEAD_ROOMS - 1, and prepares it. */
    int (*read)(const void *context, int room, struct sam_chunk *chunk, struct sam_error *error);
};

/* Reads and visits all chunks in order, with the threads of the pool, SAM_AHEAD_THREADS; without
 * one (NULL) all in this thread. */
int sam_ahead_visit(const struct sam_ahead_file *file, struct sam_pool *pool,
                    sam_reader_visitor *visit, void *context, struct sam_error *error);

#endif
