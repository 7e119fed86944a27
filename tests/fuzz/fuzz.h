/* fuzz - what the harnesses share: the bytes of an input as a file or a pipe that has a name, and a
 * check that ends the program, which is how a fuzzer sees a finding.
 *
 * A harness defines LLVMFuzzerTestOneInput(), as libFuzzer wants it: it is called with any bytes at
 * all, and must return, having checked what it can. */
#ifndef SAM_TESTS_FUZZ_H
#define SAM_TESTS_FUZZ_H

#define _GNU_SOURCE /* memfd_create */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEMAND(condition)                                                           \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* What a pipe holds, and so the largest input. */
enum { FUZZ_MAX_BYTES = 1 << 16 };

struct fuzz_stream {
    int descriptor;
    char path[32];
};

/* A regular file in memory, or a pipe that nobody writes to any more. */
static inline void fuzz_open(struct fuzz_stream *stream, const uint8_t *data, size_t size,
                             int piped)
{
    int ends[2];
    if (piped) {
        DEMAND(pipe(ends) == 0);
        stream->descriptor = ends[0];
    } else {
        stream->descriptor = ends[1] = memfd_create("fuzz", 0);
    }
    DEMAND(stream->descriptor >= 0 && write(ends[1], data, size) == (ssize_t)size);
    if (piped)
        close(ends[1]);
    else
        DEMAND(lseek(stream->descriptor, 0, SEEK_SET) == 0);
    snprintf(stream->path, sizeof stream->path, "/proc/self/fd/%d", stream->descriptor);
}

static inline void fuzz_close(struct fuzz_stream *stream)
{
    close(stream->descriptor);
}

#endif
