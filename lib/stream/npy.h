/* npy - arrays as numpy.save() writes them, read piece by piece.
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3.
 * Accepted are little-endian floats ('<f2', '<f4', '<f8') in C order, or of at most one dimension.
 */
#ifndef SAM_STREAM_NPY_H
#define SAM_STREAM_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/safetensors.h"

struct sam_npy {
    enum sam_dtype dtype;
    int ndim;
    size_t shape[SAM_SAFETENSORS_MAX_DIMS];
    uint64_t count; /* elements */

    struct sam_npy_file *file; /* private */
};

/* Opens `path` (NULL or "-": standard input) and reads the header. After 0 the caller closes. */
int sam_npy_open(struct sam_npy *npy, const char *path, struct sam_error *error);
void sam_npy_close(struct sam_npy *npy);

/* The next `count` elements as they are in the file. */
int sam_npy_read(struct sam_npy *npy, void *data, size_t count, struct sam_error *error);

/* Sees that all elements were read, and refuses bytes behind them. */
int sam_npy_end(struct sam_npy *npy, struct sam_error *error);

#endif
