/* winograd - what the two halves of the Winograd convolution share: the form of its weights. */
#ifndef SAM_NN_LANES_WINOGRAD_H
#define SAM_NN_LANES_WINOGRAD_H

#include "nn/arch.h"
#include "nn/lanes/layout.h"

/* U (36, K, C) and dU have rows of whole vectors; what is behind the last channel is zero. Floats
 * from row to row, and from point to point: */
ALWAYS_INLINE ptrdiff_t winograd_row(const struct sam_arch_unit *unit)
{
    return whole_vectors(unit->in);
}

ALWAYS_INLINE ptrdiff_t winograd_point(const struct sam_arch_unit *unit)
{
    return unit->out * winograd_row(unit);
}

/* dweights (K, C, 3, 3) = G' dU G. */
void SAM_LANES(winograd_finish)(const struct sam_arch_unit *unit, const float *du, float *dweights);

#endif
