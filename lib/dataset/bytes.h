/* bytes - a file, gzip-compressed or plain, read from front to back in whole records. */
#ifndef SAM_DATASET_BYTES_H
#define SAM_DATASET_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/error.h"

struct sam_bytes {
    gzFile file;
    uint64_t offset; /* of the next byte, counted after decompression */
    char path[4096]; /* as opened, for messages */
};

/* Opens folder/name or, where that is missing, folder/name.gz. */
int sam_bytes_open(struct sam_bytes *bytes, const char *folder, const char *name,
                   struct sam_error *error);

/* Fills `buffer` with the next `size` bytes (at most 1 MiB). Returns 1; 0 if the file had ended
 * before the first of them; -1 with `error` if it ends among them or is corrupt. */
int sam_bytes_read(struct sam_bytes *bytes, void *buffer, size_t size, struct sam_error *error);

/* Nothing that was read can fail here: the end of the file is found by sam_bytes_read(). */
void sam_bytes_close(struct sam_bytes *bytes);

#endif
