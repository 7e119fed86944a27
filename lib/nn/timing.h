/* timing - a table of where an engine's time goes, as nn/engine.h reports it.
 *
 * An engine makes its entries when it is made and adds to them as it works, from the calling thread
 * alone; adding allocates nothing. */
#ifndef SAM_NN_TIMING_H
#define SAM_NN_TIMING_H

#include <stddef.h>

#include "nn/engine.h"

enum { SAM_TIMING_ENTRIES = 96, SAM_TIMING_NAME = 48 };

/* Plain data, zero to start with; but entries point to names: not to be copied. */
struct sam_timing {
    struct sam_engine_timing entries[SAM_TIMING_ENTRIES];
    char names[SAM_TIMING_ENTRIES][SAM_TIMING_NAME];
    size_t count;
};

/* The entry of this name (a printf format), made if it is new. The last entry takes what no longer
 * fits. */
size_t sam_timing_entry(struct sam_timing *timing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Seconds of the monotonic clock. */
double sam_timing_now(void);

/* Adds the time since `start`, and the work done in it, to an entry. */
void sam_timing_add(struct sam_timing *timing, size_t entry, double start, double flops);

#endif
