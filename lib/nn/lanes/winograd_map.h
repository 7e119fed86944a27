/* winograd_map - the one-dimensional maps of F(4,3), one function a matrix of nn/lanes/winograd.c;
 * a map in two dimensions applies one to the columns, then to the rows. */
#ifndef SAM_NN_LANES_WINOGRAD_MAP_H
#define SAM_NN_LANES_WINOGRAD_MAP_H

#include "nn/lanes/vector.h"

enum {
    TILE = 4,   /* outputs of a tile, in each direction */
    POINTS = 6, /* points, in each direction; also the inputs of a tile */
    SQUARE = POINTS * POINTS,
};

#define A1 0.75f /* a and its powers */
#define A2 (A1 * A1)
#define A3 (A2 * A1)
#define B1 1.5f /* b and its powers */
#define B2 (B1 * B1)
#define B3 (B2 * B1)
#define AB (A2 * B2)
#define SUM (A2 + B2)

/* --- The one-dimensional maps ---------------------------------------------------------------- */

/* v = B' d. Row p of B' has the coefficients of x(x^2-a^2)(x^2-b^2) / (x-p); the last row those of
 * the product itself. */
ALWAYS_INLINE void map_input(const vec d[POINTS], vec v[POINTS])
{
    const vec even_a = d[4] - B2 * d[2], odd_a = d[3] - B2 * d[1];
    const vec even_b = d[4] - A2 * d[2], odd_b = d[3] - A2 * d[1];
    v[0] = AB * d[0] + (d[4] - SUM * d[2]);
    v[1] = even_a + A1 * odd_a;
    v[2] = even_a - A1 * odd_a;
    v[3] = even_b + B1 * odd_b;
    v[4] = even_b - B1 * odd_b;
    v[5] = AB * d[1] + (d[5] - SUM * d[3]);
}

/* d = B v. */
ALWAYS_INLINE void map_input_back(const vec v[POINTS], vec d[POINTS])
{
    const vec even_a = v[1] + v[2], odd_a = A1 * (v[1] - v[2]);
    const vec even_b = v[3] + v[4], odd_b = B1 * (v[3] - v[4]);
    d[0] = AB * v[0];
    d[1] = AB * v[5] - (B2 * odd_a + A2 * odd_b);
    d[2] = -(SUM * v[0] + (B2 * even_a + A2 * even_b));
    d[3] = odd_a + odd_b - SUM * v[5];
    d[4] = v[0] + even_a + even_b;
    d[5] = v[5];
}

/* y = A' m. Row i of A' holds the i-th powers of the points; infinity counts in the last. */
ALWAYS_INLINE void map_output(const vec m[POINTS], vec y[TILE])
{
    const vec even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const vec even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = A1 * odd_a + B1 * odd_b;
    y[2] = A2 * even_a + B2 * even_b;
    y[3] = A3 * odd_a + (B3 * odd_b + m[5]);
}

/* m = A y. */
ALWAYS_INLINE void map_output_back(const vec y[TILE], vec m[POINTS])
{
    const vec even_a = y[0] + A2 * y[2], odd_a = A1 * y[1] + A3 * y[3];
    const vec even_b = y[0] + B2 * y[2], odd_b = B1 * y[1] + B3 * y[3];
    m[0] = y[0];
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = even_b + odd_b;
    m[4] = even_b - odd_b;
    m[5] = y[3];
}

/* The scale of G's row p: one over the product of p minus each other point. */
#define SCALE_0 (1 / AB)
#define SCALE_A (1 / (2 * A2 * (A2 - B2)))
#define SCALE_B (1 / (2 * B2 * (B2 - A2)))

/* u = G g. */
ALWAYS_INLINE void map_weight(const vec g[3], vec u[POINTS])
{
    const vec even_a = SCALE_A * g[0] + SCALE_A * A2 * g[2], odd_a = SCALE_A * A1 * g[1];
    const vec even_b = SCALE_B * g[0] + SCALE_B * B2 * g[2], odd_b = SCALE_B * B1 * g[1];
    u[0] = SCALE_0 * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
}

/* g = G' u. */
ALWAYS_INLINE void map_weight_back(const vec u[POINTS], vec g[3])
{
    const vec even_a = SCALE_A * (u[1] + u[2]), odd_a = SCALE_A * (u[1] - u[2]);
    const vec even_b = SCALE_B * (u[3] + u[4]), odd_b = SCALE_B * (u[3] - u[4]);
    g[0] = SCALE_0 * u[0] + (even_a + even_b);
    g[1] = A1 * odd_a + B1 * odd_b;
    g[2] = A2 * even_a + (B2 * even_b + u[5]);
}

#endif
