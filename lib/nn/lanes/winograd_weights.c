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

/* U = G g G' of the outputs first .. end-1, for a vector of input channels at a time. */
void SAM_LANES(winograd_prepare)(const struct sam_arch_unit *unit, const float *weights, int first,
                                 int end, float *transformed)
{
    for (int k = first; k < end; k++)
        for (int c = 0; c < unit->in; c += LANES) {
            const float *filters = weights + ((ptrdiff_t)k * unit->in + c) * 9;
            vec g[3][3] = {{{0}}}, half[POINTS][3], u[POINTS];
            for (int lane = 0; lane < least(LANES, unit->in - c); lane++)
                for (int tap = 0; tap < 9; tap++)
                    g[tap % 3][tap / 3][lane] = filters[lane * 9 + tap];
            for (int x = 0; x < 3; x++) {
                map_weight(g[x], u);
                for (int i = 0; i < POINTS; i++)
                    half[i][x] = u[i];
            }
            float *at = transformed + k * winograd_row(unit) + c;
            for (int i = 0; i < POINTS; i++) {
                map_weight(half[i], u);
                for (int j = 0; j < POINTS; j++, at += winograd_point(unit))
                    vec_store(at, u[j]);
            }
        }
}

/* dg = G' dU G. */
void SAM_LANES(winograd_finish)(const struct sam_arch_unit *unit, const float *du, float *dweights)
{
    for (int k = 0; k < unit->out; k++)
        for (int c = 0; c < unit->in; c += LANES) {
            const float *at = du + k * winograd_row(unit) + c;
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
