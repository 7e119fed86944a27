#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "stream/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/output.h"

/* A wish: larger than that is not allowed to everyone, and a smaller pipe only costs time. */
enum { PIPE_BYTES = 1 << 20 };

/* What standard output appends to would grow while it is read, without end. */
static bool is_output(const struct stat *file)
{
    struct stat output;
    return fstat(STDOUT_FILENO, &output) == 0 && sam_output_is_file(file, &output);
}

int sam_source_open(struct sam_source *source, const char *path, struct sam_error *error)
{
    const bool standard = !path || strcmp(path, "-") == 0;
    *source = (struct sam_source){.fd = STDIN_FILENO};
    source->name = sam_memory_string(standard ? "standard input" : path, error);
    if (!source->name)
        return -1;
    if (!standard && (source->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
        sam_error_errno(error, "%s: cannot be opened", path);
        sam_source_close(source);
        return -1;
    }
    struct stat status;
    const off_t place = lseek(source->fd, 0, SEEK_CUR);
    if (place >= 0 && fstat(source->fd, &status) == 0 && S_ISREG(status.st_mode)) {
        if (is_output(&status)) {
            sam_error_set(error, SAM_FAILED, "%s: also standard output, wanted another file",
                          source->name);
            sam_source_close(source);
            return -1;
        }
        source->regular = true;
        source->base = (uint64_t)place;
    } else {
        (void)fcntl(source->fd, F_SETPIPE_SZ, PIPE_BYTES);
    }
    return 0;
}

void sam_source_close(struct sam_source *source)
{
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    else if (source->regular) /* who reads on finds what was not read, as of a pipe */
        (void)lseek(source->fd, (off_t)(source->base + source->position), SEEK_SET);
    free(source->name);
    free(source->json);
    *source = (struct sam_source){.fd = -1};
}

int sam_source_fail(const struct sam_source *source, struct sam_error *error, const char *format,
                    ...)
{
    char text[sizeof error->text / 2]; /* leaves room for a long path */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (source->record == 0)
        return sam_error_set(error, SAM_FAILED, "%s: %s", source->name, text);
    return sam_error_set(error, SAM_FAILED, "%s: record %" PRIu64 " at byte %" PRIu64 ": %s",
                         source->name, source->record, source->record_offset, text);
}

static int read_fully(const struct sam_source *source, uint64_t position, void *buffer,
                      size_t bytes, size_t *got, struct sam_error *error)
{
    for (*got = 0; *got < bytes;) {
        void *rest = (char *)buffer + *got;
        const ssize_t n = source->regular ? pread(source->fd, rest, bytes - *got,
                                                  (off_t)(source->base + position + *got))
                                          : read(source->fd, rest, bytes - *got);
        if (n == 0)
            break;
        if (n > 0)
            *got += (size_t)n;
        else if (errno != EINTR)
            return sam_source_fail(source, error, "reading at byte %" PRIu64 " failed: %s",
                                   position + *got, strerror(errno));
    }
    return 0;
}

int sam_source_read(struct sam_source *source, void *buffer, size_t bytes, size_t *got,
                    struct sam_error *error)
{
    const int status = read_fully(source, source->position, buffer, bytes, got, error);
    source->position += *got;
    return status;
}

int sam_source_read_at(const struct sam_source *source, uint64_t position, void *buffer,
                       size_t bytes, size_t *got, struct sam_error *error)
{
    return read_fully(source, position, buffer, bytes, got, error);
}

struct sam_mapping *sam_source_map(const struct sam_source *source, uint64_t position,
                                   uint64_t bytes)
{
    return sam_mapping_new(source->fd, source->base + position, bytes);
}

uint64_t sam_source_size(const struct sam_source *source)
{
    struct stat status;
    if (!source->regular || fstat(source->fd, &status))
        return UINT64_MAX;
    const uint64_t size = (uint64_t)status.st_size;
    return size > source->base ? size - source->base : 0;
}

/* The end of a file is where its last record ends, unless it was cut while it was read. */
static int check_end(const struct sam_source *source, struct sam_error *error)
{
    const uint64_t size = sam_source_size(source);
    if (size >= source->position)
        return 0;
    return sam_source_fail(source, error,
                           "cut while it was read: the file now ends at byte %" PRIu64, size);
}

static int read_length(struct sam_source *source, uint64_t *length, struct sam_error *error)
{
    unsigned char bytes[8];
    size_t got;
    if (sam_source_read(source, bytes, sizeof bytes, &got, error))
        return -1;
    if (got == 0)
        return check_end(source, error);
    if (got < sizeof bytes)
        return sam_source_fail(source, error,
                               "truncated: %zu bytes, wanted the 8 of the header's length", got);
    memcpy(length, bytes, sizeof bytes);
    if (*length < 2 || *length > SAM_SAFETENSORS_MAX_HEADER)
        return sam_source_fail(source, error,
                               "a header of %" PRIu64 " bytes, wanted 2 to %u (is this a "
                               "safetensors file?)",
                               *length, SAM_SAFETENSORS_MAX_HEADER);
    return 1;
}

static int read_json(struct sam_source *source, size_t length, struct sam_error *error)
{
    struct sam_error cause;
    size_t got;
    if (length > source->json_capacity) {
        char *json = sam_memory_resize(source->json, length, 1, &cause);
        if (!json)
            return sam_source_fail(source, error, "%s", cause.text);
        source->json = json;
        source->json_capacity = length;
    }
    if (sam_source_read(source, source->json, length, &got, error))
        return -1;
    if (got < length)
        return sam_source_fail(source, error,
                               "truncated: ends at byte %" PRIu64 " in the header, wanted %" PRIu64,
                               source->position, source->record_offset + 8 + length);
    return 0;
}

int sam_source_header(struct sam_source *source, struct sam_header *header, struct sam_error *error)
{
    struct sam_error cause;
    uint64_t length = 0;
    source->record++;
    source->record_offset = source->position;
    const int more = read_length(source, &length, error);
    if (more != 1)
        return more;
    if (read_json(source, length, error))
        return -1;
    if (sam_header_parse(source->json, length, header, &cause))
        return sam_source_fail(source, error, "%s", cause.text);
    return 1;
}

int sam_source_checksum(const struct sam_source *source, const struct sam_header *header,
                        bool *present, uint64_t *sum, struct sam_error *error)
{
    const char *text = sam_header_meta(header, "xxh3");
    *present = text != NULL;
    if (!text)
        return 0;
    if (strlen(text) != 16 || strspn(text, "0123456789abcdefABCDEF") != 16)
        return sam_source_fail(source, error,
                               "metadata xxh3 is '%.64s', wanted 16 hexadecimal digits", text);
    *sum = strtoull(text, NULL, 16);
    return 0;
}

int sam_source_verify(const struct sam_source *source, uint64_t wanted, uint64_t seen,
                      struct sam_error *error)
{
    if (seen == wanted)
        return 0;
    return sam_source_fail(source, error,
                           "damaged: the XXH3-64 of the data is %016" PRIx64 ", wanted %016" PRIx64
                           " by the metadata",
                           seen, wanted);
}
