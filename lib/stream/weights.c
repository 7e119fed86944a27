#include "stream/weights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "stream/convert.h"
#include "stream/source.h"

/* Memory is asked for in growing steps: a header that lies about its data costs no more than about
 * the bytes that are there. */
enum { FIRST_BYTES = 1 << 20 };

static int read_data(struct sam_source *source, struct sam_weights *weights,
                     struct sam_error *error)
{
    const uint64_t wanted = weights->header.data_bytes;
    struct sam_error cause;
    uint64_t have = 0;
    while (have < wanted) {
        const uint64_t step = have ? have : FIRST_BYTES;
        const size_t more = wanted - have < step ? (size_t)(wanted - have) : (size_t)step;
        size_t got;
        unsigned char *data = sam_memory_resize(weights->data, have + more, 1, &cause);
        if (!data)
            return sam_source_fail(source, error, "%s", cause.text);
        weights->data = data;
        if (sam_source_read(source, data + have, more, &got, error))
            return -1;
        have += got;
        if (got < more)
            return sam_source_fail(source, error,
                                   "truncated: %" PRIu64 " bytes of data, wanted %" PRIu64, have,
                                   wanted);
    }
    weights->xxh3 = XXH3_64bits(weights->data, wanted);
    return 0;
}

static int read_record(struct sam_source *source, struct sam_weights *weights,
                       struct sam_error *error)
{
    uint64_t wanted;
    bool checked;
    char extra;
    size_t got;
    const int more = sam_source_header(source, &weights->header, error);
    if (more == 0)
        return sam_source_fail(source, error, "empty, wanted one record");
    if (more != 1 || read_data(source, weights, error) ||
        sam_source_checksum(source, &weights->header, &checked, &wanted, error) ||
        (checked && sam_source_verify(source, wanted, weights->xxh3, error)) ||
        sam_source_read(source, &extra, 1, &got, error))
        return -1;
    if (got > 0)
        return sam_source_fail(source, error,
                               "bytes follow its end at byte %" PRIu64 ", wanted one record alone",
                               source->position - 1);
    return 0;
}

int sam_weights_read(const char *path, struct sam_weights *weights, struct sam_error *error)
{
    struct sam_source source;
    *weights = (struct sam_weights){0};
    if (sam_source_open(&source, path, error))
        return -1;
    const int status = read_record(&source, weights, error);
    sam_source_close(&source);
    if (status)
        sam_weights_free(weights);
    return status;
}

void sam_weights_free(struct sam_weights *weights)
{
    sam_header_free(&weights->header);
    free(weights->data);
    *weights = (struct sam_weights){0};
}

const struct sam_tensor *sam_weights_find(const struct sam_weights *weights, const char *name)
{
    for (size_t i = 0; i < weights->header.tensor_count; i++)
        if (strcmp(weights->header.tensors[i].name, name) == 0)
            return &weights->header.tensors[i];
    return NULL;
}

int sam_weights_copy(const struct sam_weights *weights, const char *path, const char *name,
                     size_t count, float *out, struct sam_error *error)
{
    const struct sam_tensor *tensor = sam_weights_find(weights, name);
    if (!tensor)
        return sam_error_set(error, SAM_FAILED, "%s: no tensor '%s', wanted one of %zu elements",
                             path, name, count);
    if (tensor->count != count)
        return sam_error_set(error, SAM_FAILED,
                             "%s: tensor '%s' has %" PRIu64 " elements, wanted %zu", path, name,
                             tensor->count, count);
    if (!sam_dtype_is_gradient(tensor->dtype))
        return sam_error_set(error, SAM_FAILED,
                             "%s: tensor '%s' has dtype %s, wanted F64, F32, F16 or BF16", path,
                             name, tensor->dtype_text);
    sam_convert(tensor->dtype, weights->data + tensor->begin, count, SAM_F32, out);
    return 0;
}
