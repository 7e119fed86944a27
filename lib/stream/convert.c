#include "stream/convert.h"

#include <stdint.h>
#include <string.h>

#include "stream/half.h"

enum { BLOCK = 512 };

/* Elements of one dtype, copied from or to where they may not be aligned. */
union block {
    double doubles[BLOCK];
    float floats[BLOCK];
    uint16_t halves[BLOCK];
};

static void widen_half(enum sam_dtype from, const union block *in, size_t n, float *out)
{
    if (from == SAM_F16)
        sam_half_widen_f16(in->halves, n, out);
    else
        sam_half_widen_bf16(in->halves, n, out);
}

static void to_doubles(enum sam_dtype from, const union block *in, size_t n, double *out)
{
    float singles[BLOCK];
    const float *from_singles = in->floats;
    if (from == SAM_F64) {
        memcpy(out, in->doubles, n * sizeof *out);
        return;
    }
    if (from != SAM_F32) {
        widen_half(from, in, n, singles);
        from_singles = singles;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = from_singles[i];
}

static void from_doubles(const double *in, size_t n, enum sam_dtype to, union block *out)
{
    for (size_t i = 0; i < n; i++)
        switch (to) {
        case SAM_F64:
            out->doubles[i] = in[i];
            break;
        case SAM_F32:
            out->floats[i] = (float)in[i];
            break;
        case SAM_F16:
            out->halves[i] = sam_half_narrow_f16(in[i]);
            break;
        default:
            out->halves[i] = sam_half_narrow_bf16(in[i]);
            break;
        }
}

static void convert_block(enum sam_dtype from, const union block *in, size_t n, enum sam_dtype to,
                          union block *out)
{
    double doubles[BLOCK];
    if (to == SAM_F32 && (from == SAM_F16 || from == SAM_BF16)) {
        widen_half(from, in, n, out->floats);
        return;
    }
    to_doubles(from, in, n, doubles);
    from_doubles(doubles, n, to, out);
}

void sam_convert(enum sam_dtype from, const void *in, size_t n, enum sam_dtype to, void *out)
{
    const size_t from_size = sam_dtype_size(from), to_size = sam_dtype_size(to);
    union block source, target;
    if (from == to) {
        if (n > 0)
            memcpy(out, in, n * from_size);
        return;
    }
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t count = n - i < BLOCK ? n - i : BLOCK;
        memcpy(&source, (const char *)in + i * from_size, count * from_size);
        convert_block(from, &source, count, to, &target);
        memcpy((char *)out + i * to_size, &target, count * to_size);
    }
}
