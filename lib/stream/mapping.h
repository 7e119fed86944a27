/* mapping - a stretch of a file as memory, which spares the copy that reading makes. Inside this
 * room.
 *
 * A file may be cut, or its disk fail, while it is mapped: who touches such a page would be killed
 * by SIGBUS. Here the page then reads as zeros, and sam_mapping_lost() tells, so that whoever used
 * the memory must ask that before anything made of it is believed. Bytes that change are seen as
 * they change, as by reading; but what is looked at twice may differ, so data that decide what is
 * written where, such as indices, are not for a mapping.
 *
 * As long as there is a mapping, the process's action for SIGBUS is this room's, which serves its
 * own addresses alone: others meet the action there was. A thread that blocks SIGBUS must not touch
 * a mapping. */
#ifndef SAM_STREAM_MAPPING_H
#define SAM_STREAM_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sam_mapping;

/* Maps `bytes` > 0 from `offset` of the file `fd` on, of which some 20 MB stay in memory. NULL
 * where that cannot be had: whoever asks can read instead. */
struct sam_mapping *sam_mapping_new(int fd, uint64_t offset, uint64_t bytes);

/* Ends it; NULL is allowed. */
void sam_mapping_free(struct sam_mapping *mapping);

/* The byte `place` (from 0) and those behind it. Aligned as its place in the file is. */
const void *sam_mapping_at(const struct sam_mapping *mapping, uint64_t place);

/* Tells that so many bytes have been used, after which pages are given back; to touch them once
 * more costs time, and nothing else. Any thread may call this. */
void sam_mapping_used(struct sam_mapping *mapping, size_t bytes);

/* Whether a page in front of place `end` could not be had so far; then the lowest one begins at
 * *place, or holds it. */
bool sam_mapping_lost(const struct sam_mapping *mapping, uint64_t end, uint64_t *place);

#endif
