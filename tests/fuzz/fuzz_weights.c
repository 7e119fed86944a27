/* Whole files of weights: read, and each tensor copied. Checked: names find their tensors, and what
 * is read from a file and from a pipe is the same. */
#include "fuzz.h"

#include <string.h>

#include "stream/weights.h"

static void copy_all(const struct sam_weights *weights)
{
    struct sam_error error;
    for (size_t i = 0; i < weights->header.tensor_count; i++) {
        const struct sam_tensor *tensor = &weights->header.tensors[i];
        DEMAND(sam_weights_find(weights, tensor->name) == tensor);
        if (tensor->count > FUZZ_MAX_BYTES) /* without bytes: of a type that is not known */
            continue;
        float *values = malloc(tensor->count * sizeof *values + 1);
        DEMAND(values);
        const int status =
            sam_weights_copy(weights, "fuzz", tensor->name, tensor->count, values, &error);
        DEMAND((status == 0) == sam_dtype_is_gradient(tensor->dtype));
        free(values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sam_weights weights[2];
    struct sam_error error;
    int status[2];
    if (size > FUZZ_MAX_BYTES)
        return 0;
    for (int piped = 0; piped < 2; piped++) {
        struct fuzz_stream stream;
        fuzz_open(&stream, data, size, piped);
        status[piped] = sam_weights_read(stream.path, &weights[piped], &error);
        fuzz_close(&stream);
    }
    DEMAND(status[0] == status[1]);
    DEMAND(status[0] || weights[0].xxh3 == weights[1].xxh3);
    if (status[0] == 0)
        copy_all(&weights[0]);
    sam_weights_free(&weights[0]);
    sam_weights_free(&weights[1]);
    return 0;
}
