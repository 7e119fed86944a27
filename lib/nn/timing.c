#include "nn/timing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

size_t sam_timing_entry(struct sam_timing *timing, const char *format, ...)
{
    char name[SAM_TIMING_NAME];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);

    for (size_t i = 0; i < timing->count; i++)
        if (strcmp(timing->names[i], name) == 0)
            return i;
    if (timing->count == SAM_TIMING_ENTRIES)
        return SAM_TIMING_ENTRIES - 1;
    const size_t entry = timing->count++;
    memcpy(timing->names[entry], name, sizeof name);
    timing->entries[entry].name = timing->names[entry];
    return entry;
}

double sam_timing_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void sam_timing_add(struct sam_timing *timing, size_t entry, double start, double flops)
{
    timing->entries[entry].seconds += sam_timing_now() - start;
    timing->entries[entry].flops += flops;
}
