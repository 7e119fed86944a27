/* product - the lanes product beside libxsmm's, at the shapes of the Winograd convolutions: one
 * thread, the widest vectors of the machine, 36 products of (K, C) by (C, T * L) with T tiles of L
 * samples.
 *
 * prints CSV: C and K (the same), T, L, GFLOP/s of ours and of libxsmm. */
#include <libxsmm.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nn/lanes/product.h"
#include "nn/timing.h"

enum { POINTS = 36, ROUNDS = 7 };

struct shape {
    int channels, tiles;
    ptrdiff_t v, u; /* floats of a point of V (C, T * L) or M, and of U (K, C) */
    float *V, *U, *M;
};

static float *room(size_t count)
{
    struct sam_error error;
    float *block = sam_memory_new(count, sizeof *block, &error);
    if (!block)
        exit(SAM_FAILED);
    return block;
}

static void ours(const struct shape *shape)
{
    const struct sam_lanes_tap tap = {0, 0};
    const ptrdiff_t row = (ptrdiff_t)shape->tiles * LANES;
    for (int point = 0; point < POINTS; point++)
        sam_lanes_multiply(&(struct sam_lanes_product){
            .rows = shape->channels,
            .columns = shape->tiles,
            .taps = 1,
            .tap = &tap,
            .depth = shape->channels,
            .out = shape->M + point * shape->v,
            .out_row = row,
            .out_column = LANES,
            .x = shape->V + point * shape->v,
            .x_step = row,
            .w = shape->U + point * shape->u,
            .w_step = 1,
            .w_row = shape->channels,
        });
}

/* libxsmm counts by columns: M' (T * L, K) = V' (T * L, C) U' (C, K). */
static void theirs(const struct shape *shape)
{
    const int m = shape->tiles * LANES, n = shape->channels;
    const float one = 1, zero = 0;
    const libxsmm_smmfunction product =
        libxsmm_smmdispatch(m, n, n, &m, &n, &m, &one, &zero, NULL, NULL);
    for (int point = 0; point < POINTS; point++)
        product(shape->V + point * shape->v, shape->U + point * shape->u,
                shape->M + point * shape->v);
}

static double gflops(const struct shape *shape, void (*run)(const struct shape *))
{
    const double flops = 2.0 * POINTS * (double)shape->u * shape->tiles * LANES;
    const int repeats = (int)(2e8 / flops) + 1;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = sam_timing_now();
        for (int i = 0; i < repeats; i++)
            run(shape);
        const double speed = 1e-9 * flops * repeats / (sam_timing_now() - start);
        best = speed > best ? speed : best;
    }
    return best;
}

int main(void)
{
    puts("channels,tiles,lanes,ours,libxsmm");
    for (int channels = 8; channels <= 512; channels *= 2)
        for (int tiles = 64 / LANES; tiles <= 128 / LANES; tiles *= 2) {
            struct shape shape = {.channels = channels, .tiles = tiles};
            shape.v = ((ptrdiff_t)channels * tiles + 1) * LANES;
            shape.u = (ptrdiff_t)channels * channels;
            shape.V = room((size_t)(POINTS * shape.v));
            shape.U = room((size_t)(POINTS * shape.u));
            shape.M = room((size_t)(POINTS * shape.v));
            printf("%d,%d,%d,%.0f,", channels, tiles, LANES, gflops(&shape, ours));
            printf("%.0f\n", gflops(&shape, theirs));
            free(shape.V);
            free(shape.U);
            free(shape.M);
        }
    return SAM_OK;
}
