/* half - 16-bit floats: F16 (IEEE 754 binary16: 5 bits of exponent, 10 of fraction) and BF16 (the
 * upper half of a binary32: 8 and 7), as bit patterns. */
#ifndef SAM_STREAM_HALF_H
#define SAM_STREAM_HALF_H

#include <stddef.h>
#include <stdint.h>

/* To single precision, exactly: signed zeros, subnormals, infinities, NaN with its bits. The
 * arrays must not overlap. */
void sam_half_widen_f16(const uint16_t *restrict half, size_t n, float *restrict single);
void sam_half_widen_bf16(const uint16_t *restrict half, size_t n, float *restrict single);

/* From double (so, from single) precision: the nearest, ties to even, once; overflow to infinity.
 * NaN stays NaN, with the upper bits of its fraction. */
uint16_t sam_half_narrow_f16(double value);
uint16_t sam_half_narrow_bf16(double value);

#endif
