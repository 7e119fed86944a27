/* map - class records out: the classes of every wanted parameter, as class/NAME tensors. */
#ifndef SAM_ANALYSIS_MAP_H
#define SAM_ANALYSIS_MAP_H

#include "analysis/input.h"
#include "base/error.h"
#include "base/output.h"
#include "stream/writer.h"

struct sam_map {
    struct sam_output output;
    struct sam_writer *writer;
};

/* Begins a stream of class records that will be `path`; "-" is standard output (base/output.h, so
 * `path` may be one of the input's files). The caller ends it with sam_map_close(), or after a
 * failure with sam_map_free(). */
int sam_map_open(struct sam_map *map, const char *path, struct sam_error *error);

/* Begins the class record of the input's record at hand: its metadata, and one tensor for each
 * wanted pair, in the order of visits. Where the input has a checksum the class record gets one of
 * its own, for which it waits in a temporary file until its end. */
int sam_map_begin(struct sam_map *map, const struct sam_input *input, struct sam_error *error);

/* Appends the classes (count) of the next chunk. */
int sam_map_write(struct sam_map *map, const uint8_t *classes, size_t count,
                  struct sam_error *error);

/* Ends the record, and flushes it. */
int sam_map_end(struct sam_map *map, struct sam_error *error);

/* Gives the file its name; an error of the disk may only show now. */
int sam_map_close(struct sam_map *map, struct sam_error *error);

/* Leaves nothing behind, unless it was closed. */
void sam_map_free(struct sam_map *map);

#endif
