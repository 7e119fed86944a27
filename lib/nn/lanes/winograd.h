/* winograd - the phases of the Winograd convolution, and the form of its weights and of their
 * gradient.
 *
 * With stride 2 the even and the odd rows of the input, and its even and odd columns, are inputs of
 * their own: four phases, each of which is convolved with stride 1 by the taps that meet it. Taps 0
 * and 2 meet odd rows, the middle tap even ones. All phases share one set of points, where their
 * products add up; at infinity the even ones, of a single tap, have none. With stride 1 there is
 * one phase. */
#ifndef SAM_NN_LANES_WINOGRAD_H
#define SAM_NN_LANES_WINOGRAD_H

#include "nn/arch.h"
#include "nn/lanes/layout.h"
#include "nn/lanes/winograd_map.h"

/* Points in each direction, and altogether. */
ALWAYS_INLINE int winograd_side(int stride)
{
    return stride == 1 ? 6 : 5;
}

ALWAYS_INLINE int winograd_points(int stride)
{
    return winograd_side(stride) * winograd_side(stride);
}

enum { MOST_PHASES = 4 };

ALWAYS_INLINE int winograd_phases(int stride)
{
    return stride * stride;
}

/* The points of a phase in each direction, which tell its maps (nn/lanes/winograd_map.h). */
struct winograd_phase {
    int rows, columns;
};

/* In this order, those that have a point lie next to each other. */
ALWAYS_INLINE struct winograd_phase winograd_phase(int stride, int phase)
{
    if (stride == 1)
        return (struct winograd_phase){6, 6};
    return (struct winograd_phase){phase < 2 ? 4 : 5, phase == 1 || phase == 2 ? 5 : 4};
}

/* The phases that have a point. */
struct winograd_range {
    int first, count;
};

ALWAYS_INLINE struct winograd_range winograd_range(int stride, int point)
{
    if (stride == 1)
        return (struct winograd_range){0, 1};
    const bool last_row = point / 5 == 4, last_column = point % 5 == 4;
    if (last_row)
        return (struct winograd_range){2, last_column ? 1 : 2};
    return last_column ? (struct winograd_range){1, 2} : (struct winograd_range){0, 4};
}

/* The gradients are made in blocks: of input channels, all phases of them, and for the weights of
 * output channels too. */
enum { WINOGRAD_COLUMNS = 64, WINOGRAD_ROWS = 32 };

/* Input channels of a block. */
ALWAYS_INLINE int winograd_block(int stride)
{
    return WINOGRAD_COLUMNS / winograd_phases(stride);
}

/* Those of the block that begins with channel `first`. */
ALWAYS_INLINE int winograd_block_channels(const struct sam_arch_unit *unit, int first)
{
    return least(winograd_block(unit->stride), unit->in - first);
}

/* Transformed weights are U (points, K, phases * C) for the forward pass, and (points, phases * C,
 * K) for the backward pass, which sums over K. There the phases of each block lie together: (C /
 * block, phases, block). Rows are whole vectors. From point to point are so many floats; the odd
 * vector keeps the points from falling on the same few sets of the cache: */
ALWAYS_INLINE ptrdiff_t winograd_point(const struct sam_arch_unit *unit)
{
    const ptrdiff_t phases = winograd_phases(unit->stride);
    return whole_vectors((int)phases * unit->in) * (ptrdiff_t)whole_vectors(unit->out) + LANES;
}

/* A block of dU is (points, WINOGRAD_ROWS, WINOGRAD_COLUMNS), without the phases that a point does
 * not have: a row begins with the first it has. From point to point: */
enum { WINOGRAD_SLOPE_POINT = WINOGRAD_ROWS * WINOGRAD_COLUMNS + LANES };

/* dweights (K, C, 3, 3) = G' dU G for the block `du` that begins with output k and input c. */
#define sam_lanes_winograd_finish SAM_LANES(winograd_finish)
void sam_lanes_winograd_finish(const struct sam_arch_unit *unit, const float *du, int k, int c,
                               float *dweights);

#endif
