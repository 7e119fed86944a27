#include "stream/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/output.h"

enum { DATA_ALIGNMENT = 64 };

struct sam_writer {
    FILE *file;
    char *name;
    json_t *root, *meta;     /* the header to come: all of it, and its __metadata__ */
    uint64_t bytes, written; /* of the data: announced, and gone out */
    bool begun;              /* the data may follow */
    unsigned char last;      /* byte of the data, kept for the end of the record */

    /* With a checksum, data wait in `spool`, a file without a name, for the header to be complete.
     */
    bool checked;
    FILE *spool;
    XXH3_state_t *hash;
};

/* The start of every message. */
static int fail(const struct sam_writer *writer, struct sam_error *error, const char *what,
                const char *about)
{
    return sam_error_set(error, SAM_FAILED, "%s: %s '%.128s'", writer->name, what, about);
}

static int fail_memory(const struct sam_writer *writer, struct sam_error *error)
{
    return sam_error_set(error, SAM_FAILED, "%s: out of memory", writer->name);
}

static int begin_record(struct sam_writer *writer, struct sam_error *error)
{
    json_decref(writer->root);
    writer->root = json_object();
    writer->meta = json_object();
    writer->bytes = writer->written = 0;
    writer->begun = writer->checked = false;
    /* Metadata come first, so that a person who looks at a record sees them. */
    if (json_object_set_new(writer->root, "__metadata__", writer->meta))
        return fail_memory(writer, error);
    return 0;
}

struct sam_writer *sam_writer_new(FILE *file, const char *name, struct sam_error *error)
{
    struct sam_writer *writer = sam_memory_new(1, sizeof *writer, error);
    if (!writer)
        return NULL;
    writer->file = file;
    writer->name = sam_memory_string(name, error);
    if (!writer->name || begin_record(writer, error)) {
        sam_writer_free(writer);
        return NULL;
    }
    return writer;
}

void sam_writer_free(struct sam_writer *writer)
{
    if (!writer)
        return;
    if (writer->spool)
        fclose(writer->spool);
    XXH3_freeState(writer->hash);
    json_decref(writer->root);
    free(writer->name);
    free(writer);
}

int sam_writer_meta(struct sam_writer *writer, const char *key, const char *value,
                    struct sam_error *error)
{
    if (json_object_get(writer->meta, key))
        return fail(writer, error, "twice in the metadata:", key);
    if (json_object_set_new(writer->meta, key, json_string(value)))
        return fail(writer, error, "metadata that are not UTF-8, or memory is out:", key);
    return 0;
}

int sam_writer_tensor(struct sam_writer *writer, const char *name, enum sam_dtype dtype, int ndim,
                      const size_t *shape, struct sam_error *error)
{
    uint64_t bytes = sam_dtype_size(dtype);
    json_t *sizes = json_array();
    if (json_object_get(writer->root, name)) {
        json_decref(sizes);
        return fail(writer, error, "a tensor announced twice:", name);
    }
    bool overflow = false, lost = false;
    for (int i = 0; i < ndim; i++) {
        overflow |= __builtin_mul_overflow(bytes, shape[i], &bytes);
        lost |= json_array_append_new(sizes, json_integer((json_int_t)shape[i])) != 0;
    }
    if (lost || overflow || bytes > INT64_MAX - writer->bytes) {
        json_decref(sizes);
        return lost ? fail_memory(writer, error)
                    : fail(writer, error, "too many bytes in tensor", name);
    }
    json_t *entry =
        json_pack("{s:s, s:o, s:[I, I]}", "dtype", sam_dtype_name(dtype), "shape", sizes,
                  "data_offsets", (json_int_t)writer->bytes, (json_int_t)(writer->bytes + bytes));
    if (json_object_set_new(writer->root, name, entry))
        return fail(writer, error, "a name that is not UTF-8, or memory is out: tensor", name);
    writer->bytes += bytes;
    return 0;
}

static int put(struct sam_writer *writer, const void *data, size_t bytes, struct sam_error *error)
{
    if (fwrite(data, 1, bytes, writer->file) != bytes)
        return sam_error_errno(error, "%s: write failed", writer->name);
    return 0;
}

static int put_header(struct sam_writer *writer, struct sam_error *error)
{
    static const char spaces[DATA_ALIGNMENT + 1] =
        "                                                                ";
    if (json_object_size(writer->meta) == 0)
        json_object_del(writer->root, "__metadata__");
    char *json = sam_json_text(writer->root);
    if (!json)
        return fail_memory(writer, error);
    const size_t length = strlen(json), past = (8 + length) % DATA_ALIGNMENT;
    const size_t padding = past ? DATA_ALIGNMENT - past : 0;
    const uint64_t prefix = length + padding; /* little-endian, as the machine is */
    int status = put(writer, &prefix, sizeof prefix, error);
    if (status == 0)
        status = put(writer, json, length, error);
    if (status == 0)
        status = put(writer, spaces, padding, error);
    free(json);
    return status;
}

static int set_checksum(struct sam_writer *writer, uint64_t sum, struct sam_error *error)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, sum);
    return sam_writer_meta(writer, "xxh3", text, error);
}

int sam_writer_checksum(struct sam_writer *writer, struct sam_error *error)
{
    if (!writer->hash && !(writer->hash = XXH3_createState()))
        return fail_memory(writer, error);
    if (!writer->spool && !(writer->spool = sam_output_spool(error)))
        return -1;
    rewind(writer->spool);
    XXH3_64bits_reset(writer->hash);
    writer->checked = true;
    return 0;
}

int sam_writer_header(struct sam_writer *writer, struct sam_error *error)
{
    writer->begun = true;
    return writer->checked ? 0 : put_header(writer, error);
}

int sam_writer_data(struct sam_writer *writer, const void *data, size_t bytes,
                    struct sam_error *error)
{
    if (!writer->begun || bytes > writer->bytes - writer->written)
        return sam_error_set(error, SAM_FAILED,
                             "%s: %zu bytes of data after %" PRIu64 ", wanted %" PRIu64 " in all",
                             writer->name, bytes, writer->written, writer->bytes);
    writer->written += bytes;
    if (!writer->checked) {
        if (bytes > 0 && writer->written == writer->bytes)
            writer->last = ((const unsigned char *)data)[--bytes];
        return put(writer, data, bytes, error);
    }
    XXH3_64bits_update(writer->hash, data, bytes);
    if (fwrite(data, 1, bytes, writer->spool) != bytes)
        return sam_error_errno(error, "%s: write to its temporary file failed", writer->name);
    return 0;
}

/* The header of a record with a checksum, and its data after it. */
static int put_spool(struct sam_writer *writer, struct sam_error *error)
{
    char buffer[1 << 16];
    if (set_checksum(writer, XXH3_64bits_digest(writer->hash), error) || put_header(writer, error))
        return -1;
    if (fseek(writer->spool, 0, SEEK_SET)) /* flushes, which rewind() does without a word */
        return sam_error_errno(error, "%s: write to its temporary file failed", writer->name);
    for (uint64_t left = writer->bytes; left > 0;) {
        const size_t n = left < sizeof buffer ? (size_t)left : sizeof buffer;
        if (fread(buffer, 1, n, writer->spool) != n)
            return sam_error_errno(error, "%s: its temporary file cannot be read", writer->name);
        if (put(writer, buffer, n, error))
            return -1;
        left -= n;
    }
    return 0;
}

int sam_writer_end(struct sam_writer *writer, struct sam_error *error)
{
    if (!writer->begun || writer->written != writer->bytes)
        return sam_error_set(error, SAM_FAILED,
                             "%s: the record ends after %" PRIu64 " bytes of data, wanted %" PRIu64,
                             writer->name, writer->written, writer->bytes);
    if (writer->checked ? put_spool(writer, error)
                        : writer->bytes > 0 && put(writer, &writer->last, 1, error))
        return -1;
    if (fflush(writer->file))
        return sam_error_errno(error, "%s: write failed", writer->name);
    return begin_record(writer, error);
}

/* XXH3-64 of the data section that sam_writer_gradients() writes. */
static int add_checksum(struct sam_writer *writer, const struct sam_writer_parameter *parameters,
                        size_t count, const float *current, const float *perturbed,
                        struct sam_error *error)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return fail_memory(writer, error);
    XXH3_64bits_reset(state);
    for (size_t i = 0; i < count; i++) {
        const size_t bytes = parameters[i].count * sizeof(float);
        XXH3_64bits_update(state, current + parameters[i].offset, bytes);
        XXH3_64bits_update(state, perturbed + parameters[i].offset, bytes);
    }
    const uint64_t sum = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return set_checksum(writer, sum, error);
}

int sam_writer_pair(struct sam_writer *writer, const char *name, enum sam_dtype dtype, int ndim,
                    const size_t *shape, struct sam_error *error)
{
    static const char *const prefixes[] = {"current/", "perturbed/"};
    for (int i = 0; i < 2; i++) {
        const size_t size = strlen(prefixes[i]) + strlen(name) + 1;
        char *full = sam_memory_new(size, 1, error);
        if (!full)
            return -1;
        snprintf(full, size, "%s%s", prefixes[i], name);
        const int status = sam_writer_tensor(writer, full, dtype, ndim, shape, error);
        free(full);
        if (status)
            return -1;
    }
    return 0;
}

int sam_writer_gradients(struct sam_writer *writer, const struct sam_meta *meta, size_t meta_count,
                         const struct sam_writer_parameter *parameters, size_t count,
                         const float *current, const float *perturbed, int checksum,
                         struct sam_error *error)
{
    for (size_t i = 0; i < meta_count; i++)
        if (sam_writer_meta(writer, meta[i].key, meta[i].value, error))
            return -1;
    if (checksum && add_checksum(writer, parameters, count, current, perturbed, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (sam_writer_pair(writer, parameters[i].name, SAM_F32, parameters[i].ndim,
                            parameters[i].shape, error))
            return -1;
    if (sam_writer_header(writer, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const size_t bytes = parameters[i].count * sizeof(float);
        if (sam_writer_data(writer, current + parameters[i].offset, bytes, error) ||
            sam_writer_data(writer, perturbed + parameters[i].offset, bytes, error))
            return -1;
    }
    return sam_writer_end(writer, error);
}
