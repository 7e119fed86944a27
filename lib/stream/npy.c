#include "stream/npy.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "stream/source.h"

/* A header has three short entries; more than this is no such header. */
enum { MAX_HEADER = 1 << 16 };

struct sam_npy_file {
    struct sam_source source;
    uint64_t left; /* bytes of the array that were not read yet */
};

/* --- The header: a Python dictionary -------------------------------------------------------------
 *
 * {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and spaces: its keys come in any
 * order, and whatever is not of this form is refused. */

/* What is left of the header's text; NULL after something that was not understood. */
struct text {
    const char *at;
};

static void skip_spaces(struct text *text)
{
    while (text->at && isspace((unsigned char)*text->at))
        text->at++;
}

/* Passes over `word` and white space, if it is next. */
static bool take(struct text *text, const char *word)
{
    skip_spaces(text);
    const size_t length = strlen(word);
    if (!text->at || strncmp(text->at, word, length) != 0)
        return false;
    text->at += length;
    return true;
}

static void expect(struct text *text, const char *word)
{
    if (!take(text, word))
        text->at = NULL;
}

static void parse_descr(struct text *text, struct sam_npy *npy)
{
    static const struct {
        const char *descr;
        enum sam_dtype dtype;
    } types[] = {{"'<f4'", SAM_F32}, {"'<f8'", SAM_F64}, {"'<f2'", SAM_F16}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (take(text, types[i].descr)) {
            npy->dtype = types[i].dtype;
            return;
        }
    text->at = NULL;
}

static void parse_order(struct text *text, bool *fortran)
{
    *fortran = take(text, "True");
    if (!*fortran)
        expect(text, "False");
}

static void parse_size(struct text *text, size_t *size)
{
    uint64_t value = 0;
    skip_spaces(text);
    if (!text->at || !isdigit((unsigned char)*text->at)) {
        text->at = NULL;
        return;
    }
    for (; isdigit((unsigned char)*text->at); text->at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text->at - '0'), &value)) {
            text->at = NULL;
            return;
        }
    *size = value;
}

/* (), (3,), (3, 4) */
static void parse_shape(struct text *text, struct sam_npy *npy)
{
    expect(text, "(");
    while (text->at && !take(text, ")")) {
        if (npy->ndim == SAM_SAFETENSORS_MAX_DIMS) {
            text->at = NULL;
            return;
        }
        parse_size(text, &npy->shape[npy->ndim++]);
        if (!take(text, ",")) {
            expect(text, npy->ndim > 1 ? ")" : ","); /* (3) is a number */
            return;
        }
    }
}

/* Parses the text of a header, which ends in NUL; false if it is not understood. */
static bool parse_header(const char *header, struct sam_npy *npy)
{
    struct text text = {header};
    bool fortran = false, seen[3] = {false, false, false};
    expect(&text, "{");
    while (text.at && !take(&text, "}")) {
        int key = 0;
        if (take(&text, "'fortran_order'"))
            key = 1;
        else if (take(&text, "'shape'"))
            key = 2;
        else
            expect(&text, "'descr'");
        expect(&text, ":");
        if (seen[key])
            return false;
        seen[key] = true;
        if (key == 0)
            parse_descr(&text, npy);
        else if (key == 1)
            parse_order(&text, &fortran);
        else
            parse_shape(&text, npy);
        if (!take(&text, ",")) {
            expect(&text, "}");
            break;
        }
    }
    skip_spaces(&text);
    return text.at && *text.at == '\0' && seen[0] && seen[1] && seen[2] &&
           (!fortran || npy->ndim <= 1);
}

/* --- The file --------------------------------------------------------------------------------- */

static int count_elements(struct sam_npy *npy, struct sam_error *error)
{
    const size_t size = sam_dtype_size(npy->dtype);
    bool overflow = false;
    npy->count = 1;
    for (int i = 0; i < npy->ndim; i++)
        overflow |= __builtin_mul_overflow(npy->count, npy->shape[i], &npy->count);
    if (overflow || npy->count > INT64_MAX / size)
        return sam_source_fail(&npy->file->source, error,
                               "the product of the shape overflows, wanted at most 2^63 bytes");
    npy->file->left = npy->count * size;
    return 0;
}

/* Reads `bytes` bytes of the header. */
static int read_part(struct sam_npy *npy, void *part, size_t bytes, struct sam_error *error)
{
    struct sam_source *source = &npy->file->source;
    size_t got;
    if (sam_source_read(source, part, bytes, &got, error))
        return -1;
    if (got < bytes)
        return sam_source_fail(source, error,
                               "truncated: ends at byte %" PRIu64 " in the header, wanted %" PRIu64,
                               source->position, source->position - got + bytes);
    return 0;
}

static int read_length(struct sam_npy *npy, uint32_t *length, struct sam_error *error)
{
    static const unsigned char magic[] = "\x93NUMPY";
    unsigned char start[8]; /* the magic string, and the version's two parts */
    const struct sam_source *source = &npy->file->source;
    if (read_part(npy, start, sizeof start, error))
        return -1;
    if (memcmp(start, magic, 6) != 0)
        return sam_source_fail(source, error, "no .npy file: it does not begin with \\x93NUMPY");
    if (start[6] < 1 || start[6] > 3)
        return sam_source_fail(source, error, "version %d of the .npy format, wanted 1 to 3",
                               start[6]);
    *length = 0; /* little-endian, as the machine is */
    if (read_part(npy, length, start[6] == 1 ? 2 : 4, error))
        return -1;
    if (*length > MAX_HEADER)
        return sam_source_fail(source, error, "a header of %" PRIu32 " bytes, wanted at most %d",
                               *length, MAX_HEADER);
    return 0;
}

/* The padding and the line's end, which are the last of a header, are not shown. */
static int refuse_header(const struct sam_npy *npy, const char *header, size_t length,
                         struct sam_error *error)
{
    while (length > 0 && isspace((unsigned char)header[length - 1]))
        length--;
    return sam_source_fail(&npy->file->source, error,
                           "header '%.*s', wanted 'descr' '<f2', '<f4' or '<f8', "
                           "'fortran_order' False (or one dimension) and 'shape'",
                           (int)(length < 200 ? length : 200), header);
}

static int read_header(struct sam_npy *npy, struct sam_error *error)
{
    uint32_t length;
    if (read_length(npy, &length, error))
        return -1;
    char *header = sam_memory_new(length + 1, 1, error);
    if (!header)
        return -1;
    int status = read_part(npy, header, length, error);
    if (status == 0 && (strlen(header) != length || !parse_header(header, npy)))
        status = refuse_header(npy, header, length, error);
    free(header);
    return status ? -1 : count_elements(npy, error);
}

int sam_npy_open(struct sam_npy *npy, const char *path, struct sam_error *error)
{
    *npy = (struct sam_npy){0};
    npy->file = sam_memory_new(1, sizeof *npy->file, error);
    if (!npy->file)
        return -1;
    if (sam_source_open(&npy->file->source, path, error) || read_header(npy, error)) {
        sam_npy_close(npy);
        return -1;
    }
    return 0;
}

void sam_npy_close(struct sam_npy *npy)
{
    if (npy->file)
        sam_source_close(&npy->file->source);
    free(npy->file);
    npy->file = NULL;
}

int sam_npy_read(struct sam_npy *npy, void *data, size_t count, struct sam_error *error)
{
    struct sam_source *source = &npy->file->source;
    const size_t bytes = count * sam_dtype_size(npy->dtype);
    size_t got;
    if (bytes > npy->file->left)
        return sam_source_fail(source, error, "%zu elements wanted after the last one", count);
    if (sam_source_read(source, data, bytes, &got, error))
        return -1;
    npy->file->left -= got;
    if (got < bytes)
        return sam_source_fail(source, error,
                               "truncated: ends at byte %" PRIu64 ", wanted %" PRIu64,
                               source->position, source->position + npy->file->left);
    return 0;
}

int sam_npy_end(struct sam_npy *npy, struct sam_error *error)
{
    struct sam_source *source = &npy->file->source;
    char extra;
    size_t got;
    if (npy->file->left > 0)
        return sam_source_fail(source, error, "%" PRIu64 " bytes were not read", npy->file->left);
    if (sam_source_read(source, &extra, 1, &got, error))
        return -1;
    if (got > 0)
        return sam_source_fail(source, error,
                               "bytes follow the array at byte %" PRIu64 ", wanted its end",
                               source->position - 1);
    return 0;
}
