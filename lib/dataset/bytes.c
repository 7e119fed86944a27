#include "dataset/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Larger than zlib's default of 8 KiB: fewer system calls for 150 MB of images. */
enum { BUFFER = 1 << 15 };

int sam_bytes_open(struct sam_bytes *bytes, const char *folder, const char *name,
                   struct sam_error *error)
{
    static const char *const endings[] = {"", ".gz"};
    *bytes = (struct sam_bytes){0};
    for (int i = 0; i < 2 && !bytes->file; i++) {
        const int length =
            snprintf(bytes->path, sizeof bytes->path, "%s/%s%s", folder, name, endings[i]);
        if (length >= (int)sizeof bytes->path)
            return sam_error_set(error, SAM_FAILED, "a path of %d bytes, wanted at most %zu",
                                 length, sizeof bytes->path - 1);
        errno = 0; /* zlib leaves it alone where memory is what it lacks */
        bytes->file = gzopen(bytes->path, "rb");
        if (!bytes->file && errno != ENOENT)
            break;
    }
    if (!bytes->file)
        return sam_error_set(error, SAM_FAILED, "%s/%s[.gz]: cannot be opened: %s", folder, name,
                             strerror(errno ? errno : ENOMEM));
    gzbuffer(bytes->file, BUFFER);
    return 0;
}

int sam_bytes_read(struct sam_bytes *bytes, void *buffer, size_t size, struct sam_error *error)
{
    const int got = gzread(bytes->file, buffer, (unsigned)size);
    if (got == (int)size) {
        bytes->offset += size;
        return 1;
    }
    int code;
    const char *text = gzerror(bytes->file, &code);
    if (code == Z_BUF_ERROR)
        return sam_error_set(error, SAM_FAILED,
                             "%s: the compressed data stop after byte %" PRIu64
                             " of the file in it, wanted a whole gzip file",
                             bytes->path, bytes->offset + (uint64_t)(got > 0 ? got : 0));
    if (got < 0) /* zlib puts the path before its text */
        return sam_error_set(error, SAM_FAILED, "%s (after byte %" PRIu64 ")", text, bytes->offset);
    if (got > 0)
        return sam_error_set(error, SAM_FAILED,
                             "%s: ends at byte %" PRIu64 ", wanted %zu bytes from byte %" PRIu64
                             " on",
                             bytes->path, bytes->offset + (uint64_t)got, size, bytes->offset);
    return 0;
}

void sam_bytes_close(struct sam_bytes *bytes)
{
    gzclose_r(bytes->file);
}
