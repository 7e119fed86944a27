/* winograd_weights - filters into their Winograd form and back, for a vector of input channels at a
 * time. The maps are those of nn/lanes/winograd.c. */
#include "nn/lanes/conv.h"
#include "nn/lanes/layout.h"
#include "nn/lanes/winograd.h"
#include "nn/lanes/winograd_map.h"

size_t SAM_LANES(winograd_weights)(const struct sam_arch_unit *unit)
{
    return (size_t)(SQUARE * winograd_point(unit));
}

/* The filters of a row are `lane_step` floats apart: LANES of them, or those left over, side by
 * side. They go through memory: numbers put into a vector one by one wait for each other. */
static void read_filters(const float *filters, ptrdiff_t lane_step, int lanes, vec g[3][3])
{
    float lined_up[3][3][LANES] __attribute__((aligned(4 * LANES))) = {{{0}}};
    for (int lane = 0; lane < lanes; lane++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                lined_up[x][y][lane] = filters[lane * lane_step + y * 3 + x];
    for (int x = 0; x < 3; x++)
        for (int y = 0; y < 3; y++)
            g[x][y] = vec_load(lined_up[x][y]);
}

/* U = G g G' of one vector; `point` floats from point to point. */
static void map_filters(vec g[3][3], float *u, ptrdiff_t point)
{
    vec half[POINTS][3], mapped[POINTS];
    for (int x = 0; x < 3; x++) {
        map_weight(g[x], mapped);
        for (int i = 0; i < POINTS; i++)
            half[i][x] = mapped[i];
    }
    for (int i = 0; i < POINTS; i++) {
        map_weight(half[i], mapped);
        for (int j = 0; j < POINTS; j++, u += point)
            vec_store(u, mapped[j]);
    }
}

void SAM_LANES(winograd_prepare)(const struct sam_arch_unit *unit, const float *weights,
                                 bool backward, int first, int end, float *transformed)
{
    const int columns = backward ? unit->out : unit->in;
    const ptrdiff_t out_step = (ptrdiff_t)unit->in * 9, in_step = 9;
    const ptrdiff_t row_step = backward ? in_step : out_step;
    const ptrdiff_t column_step = backward ? out_step : in_step;
    for (int row = first; row < end; row++)
        for (int column = 0; column < columns; column += LANES) {
            vec g[3][3];
            read_filters(weights + row * row_step + column * column_step, column_step,
                         least(LANES, columns - column), g);
            map_filters(g, transformed + (ptrdiff_t)row * whole_vectors(columns) + column,
                        winograd_point(unit));
        }
}

/* dg = G' dU G. */
void sam_lanes_winograd_finish(const struct sam_arch_unit *unit, const float *du, float *dweights)
{
    for (int k = 0; k < unit->out; k++)
        for (int c = 0; c < unit->in; c += LANES) {
            const float *at = du + winograd_slope_offset(unit, k, c);
            vec u[POINTS], half[3][POINTS], g[3][3];
            for (int i = 0; i < POINTS; i++) {
                for (int j = 0; j < POINTS; j++, at += winograd_point(unit))
                    u[j] = vec_load(at);
                vec row[3];
                map_weight_back(u, row);
                for (int x = 0; x < 3; x++)
                    half[x][i] = row[x];
            }
            for (int x = 0; x < 3; x++)
                map_weight_back(half[x], g[x]);
            float *filters = dweights + ((ptrdiff_t)k * unit->in + c) * 9;
            for (int lane = 0; lane < least(LANES, unit->in - c); lane++)
                for (int tap = 0; tap < 9; tap++)
                    filters[lane * 9 + tap] = g[tap % 3][tap / 3][lane];
        }
}
