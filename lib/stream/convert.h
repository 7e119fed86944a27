/* convert - gradients from one dtype to another. */
#ifndef SAM_STREAM_CONVERT_H
#define SAM_STREAM_CONVERT_H

#include <stddef.h>

#include "stream/safetensors.h"

/* Converts `n` elements between F64, F32, F16 and BF16: exactly where the new dtype has the value,
 * else to the nearest, ties to even, overflow to infinity; NaN stays NaN. `in` and `out` may have
 * any alignment and must not overlap. */
void sam_convert(enum sam_dtype from, const void *in, size_t n, enum sam_dtype to, void *out);

#endif
