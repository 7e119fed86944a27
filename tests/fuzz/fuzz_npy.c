/* .npy arrays, read in pieces whose length is the first byte's. Checked: an array that is read to
 * its end has as many bytes as its header says. */
#include "fuzz.h"

#include "stream/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_stream stream;
    struct sam_npy npy;
    struct sam_error error;
    unsigned char piece[256 * sizeof(double)];
    if (size == 0 || size > FUZZ_MAX_BYTES)
        return 0;
    fuzz_open(&stream, data + 1, size - 1, data[0] & 1);
    if (sam_npy_open(&npy, stream.path, &error) == 0) {
        uint64_t left = npy.count;
        int status = 0;
        while (status == 0 && left > 0) {
            const size_t n = left < data[0] + 1u ? (size_t)left : data[0] + 1u;
            status = sam_npy_read(&npy, piece, n, &error);
            left -= n;
        }
        if (status == 0 && sam_npy_end(&npy, &error) == 0)
            DEMAND(npy.count * sam_dtype_size(npy.dtype) < size);
        sam_npy_close(&npy);
    }
    fuzz_close(&stream);
    return 0;
}
