#include "train/vector.h"

#include <math.h>
#include <string.h>

/* Eight sums side by side: independent additions, which keep the adders busy, in an order that the
 * width of the machine's vectors does not change. */
enum { LANES = 8 };
typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef double doubles __attribute__((vector_size(LANES * sizeof(double))));

double sam_vector_sum_squares(const float *x, size_t n)
{
    doubles sums = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        floats piece;
        memcpy(&piece, x + i, sizeof piece);
        const doubles wide = __builtin_convertvector(piece, doubles);
        sums += wide * wide;
    }
    for (; i < n; i++)
        sums[i % LANES] += (double)x[i] * x[i];
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}

void sam_vector_move(const float *restrict w, const float *restrict g, float scale,
                     float *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = w[i] + scale * g[i];
}

void sam_vector_normalise(const float *restrict w, const float *restrict g, float eta,
                          float *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (fabsf(w[i]) + eta) * g[i];
}

void sam_vector_move_adaptive(const float *restrict w, const float *restrict g, float eta,
                              float scale, float *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float t = fabsf(w[i]) + eta;
        out[i] = w[i] + scale * (t * t * g[i]);
    }
}

void sam_vector_scale(float scale, float *d, size_t n)
{
    for (size_t i = 0; i < n; i++)
        d[i] *= scale;
}

void sam_vector_descend(const float *restrict d, float rate, float momentum, float decay,
                        float *restrict v, float *restrict w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + (d[i] + decay * w[i]);
        w[i] -= rate * v[i];
    }
}
