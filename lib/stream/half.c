#include "stream/half.h"

#include <string.h>

static float from_bits(uint32_t bits)
{
    float single;
    memcpy(&single, &bits, sizeof single);
    return single;
}

static uint32_t to_bits(float single)
{
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return bits;
}

/* Without branches, and without arithmetic on subnormals, which is slow on many processors and what
 * small gradients in F16 are. */
static float widen_f16(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t rest = (uint32_t)(half & 0x7fffu) << 13; /* now the fractions line up */
    /* The biases of the exponents differ by 127 - 15. A subnormal takes the exponent of 2^-14,
     * which brings a leading one with it: the difference is the value. */
    const uint32_t normal = rest + (112u << 23);
    const uint32_t subnormal = to_bits(from_bits(rest + (113u << 23)) - 0x1p-14f);
    const uint32_t special = rest | 0x7f800000u;
    const uint32_t is_subnormal = 0u - (rest < 1u << 23), is_special = 0u - (rest >= 0x1fu << 23);
    const uint32_t is_normal = ~(is_subnormal | is_special);
    return from_bits(sign | (subnormal & is_subnormal) | (normal & is_normal) |
                     (special & is_special));
}

static float widen_bf16(uint16_t half)
{
    return from_bits((uint32_t)half << 16);
}

/* Loops of a fixed length become vector code at -O2 as well. */
enum { BLOCK = 64 };

void sam_half_widen_f16(const uint16_t *restrict half, size_t n, float *restrict single)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (size_t k = 0; k < BLOCK; k++)
            single[i + k] = widen_f16(half[i + k]);
    for (; i < n; i++)
        single[i] = widen_f16(half[i]);
}

void sam_half_widen_bf16(const uint16_t *restrict half, size_t n, float *restrict single)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (size_t k = 0; k < BLOCK; k++)
            single[i + k] = widen_bf16(half[i + k]);
    for (; i < n; i++)
        single[i] = widen_bf16(half[i]);
}

/* `value` in a 16-bit format with `fraction` bits of fraction and the rest of exponent. */
static uint16_t narrow(double value, int fraction)
{
    const int bias = (1 << (14 - fraction)) - 1, top = 2 * bias + 1, cut = 52 - fraction;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 48 & 0x8000u);
    const int exponent = (int)(bits >> 52 & 0x7ff) - 1023 + bias;
    uint64_t significand = bits & 0xfffffffffffffu;

    if (exponent == 0x7ff - 1023 + bias) { /* infinity or NaN, which must not become infinity */
        const uint64_t kept = significand >> cut;
        return (uint16_t)(sign | top << fraction | (kept ? kept : (uint64_t)(significand != 0)));
    }
    if (exponent >= top)
        return (uint16_t)(sign | top << fraction);
    if (exponent < -fraction) /* below half of the least subnormal; so are double's subnormals */
        return sign;
    /* A subnormal result has its leading one among the bits of the fraction, shifted further. */
    const int shift = exponent > 0 ? cut : cut + 1 - exponent;
    if (exponent <= 0)
        significand |= 1ull << 52;
    const uint64_t kept = significand >> shift, lost = significand & ((1ull << shift) - 1);
    const uint64_t half = 1ull << (shift - 1);
    const uint64_t up = lost > half || (lost == half && (kept & 1));
    /* A carry out of the fraction is the next exponent, out of the last exponent infinity. */
    return (uint16_t)(sign | (((uint64_t)(exponent > 0 ? exponent : 0) << fraction) + kept + up));
}

uint16_t sam_half_narrow_f16(double value)
{
    return narrow(value, 10);
}

uint16_t sam_half_narrow_bf16(double value)
{
    return narrow(value, 7);
}
