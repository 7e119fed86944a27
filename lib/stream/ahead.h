/* ahead - a visit to the chunks of a file, which two threads read and prepare, each what comes
 * next. Inside this room.
 *
 * The visitor's thread depends on the second one for nothing: what is not there when it is its turn
 * it reads itself. So it sees the same chunks, the same errors and the same end as alone, and on a
 * busy machine is hardly slower. The second thread takes no signals, tells nobody of its errors
 * (whoever wants the chunk meets them again), and has ended when the visit returns. Since that
 * waits for a read to end, a pipe must not be visited so. */
#ifndef SAM_STREAM_AHEAD_H
#define SAM_STREAM_AHEAD_H

#include <stdbool.h>

#include "base/error.h"
#include "stream/reader.h"

/* Rooms for chunks: one for a chunk whose turn it is, and for what is read before its turn some for
 * each thread, since memory that two processors write to in turn is slow. */
enum { SAM_AHEAD_PLACES = 3, SAM_AHEAD_ROOMS = 1 + 2 * SAM_AHEAD_PLACES };

/* The chunks of a file: functions of a context that both threads may call at once. */
struct sam_ahead_file {
    const void *context;
    /* Makes `chunk` the one behind it, but for its data; false behind the last. The first is behind
     * a chunk of zeros. */
    bool (*next)(const void *context, struct sam_chunk *chunk);
    /* Reads the data of the chunk into room 0 .. SAM_AHEAD_ROOMS - 1, and prepares it. */
    int (*read)(const void *context, int room, struct sam_chunk *chunk, struct sam_error *error);
};

/* Reads and visits all chunks in order. With `alone`, or where there is but one processor or no
 * thread to be had, all in this thread. */
int sam_ahead_visit(const struct sam_ahead_file *file, bool alone, sam_reader_visitor *visit,
                    void *context, struct sam_error *error);

#endif
