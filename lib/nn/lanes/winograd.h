/* winograd - the form of the weights and of their gradient in the Winograd convolution. */
#ifndef SAM_NN_LANES_WINOGRAD_H
#define SAM_NN_LANES_WINOGRAD_H

#include "nn/arch.h"
#include "nn/lanes/layout.h"

/* Transformed weights are U (36, K, C) for the forward pass, and (36, C, K) for the backward pass,
 * which sums over K. Their rows are whole vectors, zero behind the last channel. Floats from point
 * to point, in either, and in dU: */
ALWAYS_INLINE ptrdiff_t winograd_point(const struct sam_arch_unit *unit)
{
    const ptrdiff_t in = whole_vectors(unit->in), out = whole_vectors(unit->out);
    return in * out;
}

/* Input channels that the backward pass works on at a time. */
enum { WINOGRAD_COLUMNS = 32 };

/* dU (36, C / WINOGRAD_COLUMNS, K, WINOGRAD_COLUMNS): what is worked on at a time lies together.
 * The columns of the last block are whole vectors. Where (k, c) is, c a multiple of LANES: */
ALWAYS_INLINE ptrdiff_t winograd_slope_row(const struct sam_arch_unit *unit, int c)
{
    const int first = c / WINOGRAD_COLUMNS * WINOGRAD_COLUMNS;
    return least(WINOGRAD_COLUMNS, whole_vectors(unit->in) - first);
}

ALWAYS_INLINE ptrdiff_t winograd_slope_offset(const struct sam_arch_unit *unit, int k, int c)
{
    const int first = c / WINOGRAD_COLUMNS * WINOGRAD_COLUMNS;
    return (ptrdiff_t)first * unit->out + k * winograd_slope_row(unit, c) + c - first;
}

/* dweights (K, C, 3, 3) = G' dU G. */
#define sam_lanes_winograd_finish SAM_LANES(winograd_finish)
void sam_lanes_winograd_finish(const struct sam_arch_unit *unit, const float *du, float *dweights);

#endif
