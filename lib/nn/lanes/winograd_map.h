/* winograd_map - the one-dimensional maps of nn/lanes/winograd.c, one function a matrix; a map in
 * two dimensions applies one to the columns, then to the rows.
 *
 * Which map is meant is told by the number of points, which is also that of the inputs that four
 * outputs read:
 *   6  F(4,3): three taps, points 0, +-a, +-b, infinity; a = 3/4, b = 3/2;
 *   5  F(4,2): two taps, points +-a, +-b, infinity; a = 1/2, b = 5/4;
 *   4  F(4,2) with a second tap of zero, which leaves nothing at infinity.
 * These points were chosen by the rounding error of random convolutions: that of F(4,3) is half of
 * what the usual 1 and 2 make, that of F(4,2) two thirds of what 0, +-1/2 and 3/2 make. */
#ifndef SAM_NN_LANES_WINOGRAD_MAP_H
#define SAM_NN_LANES_WINOGRAD_MAP_H

#include "nn/lanes/vector.h"

enum {
    TILE = 4,        /* outputs of a tile, in each direction */
    MOST_POINTS = 6, /* points, in each direction */
};

/* a and b, and what the matrices have of them. */
struct winograd_constants {
    float a1, a2, a3, b1, b2, b3, product, sum;
    float scale_0, scale_a, scale_b; /* one over the product of a point's distances to the others */
};

ALWAYS_INLINE struct winograd_constants constants_of(int points)
{
    const float a = points == 6 ? 0.75f : 0.5f, b = points == 6 ? 1.5f : 1.25f;
    const float a2 = a * a, b2 = b * b;
    const float near_a = points == 6 ? a2 : a, near_b = points == 6 ? b2 : b;
    return (struct winograd_constants){
        .a1 = a,
        .a2 = a2,
        .a3 = a2 * a,
        .b1 = b,
        .b2 = b2,
        .b3 = b2 * b,
        .product = a2 * b2,
        .sum = a2 + b2,
        .scale_0 = 1 / (a2 * b2),
        .scale_a = 1 / (2 * near_a * (a2 - b2)),
        .scale_b = 1 / (2 * near_b * (b2 - a2)),
    };
}

/* v = B' d. Row p of B' has the coefficients of the product of x - q over all other finite points
 * q; the last row those of the product over all. */
ALWAYS_INLINE void map_input(int points, const vec *d, vec *v)
{
    const struct winograd_constants k = constants_of(points);
    if (points == 6) {
        const vec even_a = d[4] - k.b2 * d[2], odd_a = d[3] - k.b2 * d[1];
        const vec even_b = d[4] - k.a2 * d[2], odd_b = d[3] - k.a2 * d[1];
        v[0] = k.product * d[0] + (d[4] - k.sum * d[2]);
        v[1] = even_a + k.a1 * odd_a;
        v[2] = even_a - k.a1 * odd_a;
        v[3] = even_b + k.b1 * odd_b;
        v[4] = even_b - k.b1 * odd_b;
        v[5] = k.product * d[1] + (d[5] - k.sum * d[3]);
        return;
    }
    const vec even_a = d[2] - k.b2 * d[0], odd_a = d[3] - k.b2 * d[1];
    const vec even_b = d[2] - k.a2 * d[0], odd_b = d[3] - k.a2 * d[1];
    v[0] = odd_a + k.a1 * even_a;
    v[1] = odd_a - k.a1 * even_a;
    v[2] = odd_b + k.b1 * even_b;
    v[3] = odd_b - k.b1 * even_b;
    if (points == 5)
        v[4] = k.product * d[0] + (d[4] - k.sum * d[2]);
}

/* d = B v. */
ALWAYS_INLINE void map_input_back(int points, const vec *v, vec *d)
{
    const struct winograd_constants k = constants_of(points);
    if (points == 6) {
        const vec even_a = v[1] + v[2], odd_a = k.a1 * (v[1] - v[2]);
        const vec even_b = v[3] + v[4], odd_b = k.b1 * (v[3] - v[4]);
        d[0] = k.product * v[0];
        d[1] = k.product * v[5] - (k.b2 * odd_a + k.a2 * odd_b);
        d[2] = -(k.sum * v[0] + (k.b2 * even_a + k.a2 * even_b));
        d[3] = odd_a + odd_b - k.sum * v[5];
        d[4] = v[0] + even_a + even_b;
        d[5] = v[5];
        return;
    }
    const vec odd_a = v[0] + v[1], even_a = k.a1 * (v[0] - v[1]);
    const vec odd_b = v[2] + v[3], even_b = k.b1 * (v[2] - v[3]);
    d[0] = -(k.b2 * even_a + k.a2 * even_b);
    d[1] = -(k.b2 * odd_a + k.a2 * odd_b);
    d[2] = even_a + even_b;
    d[3] = odd_a + odd_b;
    if (points == 5) {
        d[0] += k.product * v[4];
        d[2] -= k.sum * v[4];
        d[4] = v[4];
    }
}

/* y = A' m. Row i of A' holds the i-th powers of the points; infinity counts in the last. */
ALWAYS_INLINE void map_output(int points, const vec *m, vec y[TILE])
{
    const struct winograd_constants k = constants_of(points);
    const vec *const pair = points == 6 ? m + 1 : m;
    const vec even_a = pair[0] + pair[1], odd_a = pair[0] - pair[1];
    const vec even_b = pair[2] + pair[3], odd_b = pair[2] - pair[3];
    y[0] = points == 6 ? m[0] + even_a + even_b : even_a + even_b;
    y[1] = k.a1 * odd_a + k.b1 * odd_b;
    y[2] = k.a2 * even_a + k.b2 * even_b;
    y[3] = k.a3 * odd_a + (k.b3 * odd_b + pair[4]);
}

/* m = A y. */
ALWAYS_INLINE void map_output_back(int points, const vec y[TILE], vec *m)
{
    const struct winograd_constants k = constants_of(points);
    const vec even_a = y[0] + k.a2 * y[2], odd_a = k.a1 * y[1] + k.a3 * y[3];
    const vec even_b = y[0] + k.b2 * y[2], odd_b = k.b1 * y[1] + k.b3 * y[3];
    vec *const pair = points == 6 ? m + 1 : m;
    if (points == 6)
        m[0] = y[0];
    pair[0] = even_a + odd_a;
    pair[1] = even_a - odd_a;
    pair[2] = even_b + odd_b;
    pair[3] = even_b - odd_b;
    pair[4] = y[3];
}

/* u = G g. */
ALWAYS_INLINE void map_weight(int points, const vec *g, vec *u)
{
    const struct winograd_constants k = constants_of(points);
    if (points == 6) {
        const vec even_a = k.scale_a * g[0] + k.scale_a * k.a2 * g[2];
        const vec even_b = k.scale_b * g[0] + k.scale_b * k.b2 * g[2];
        const vec odd_a = k.scale_a * k.a1 * g[1], odd_b = k.scale_b * k.b1 * g[1];
        u[0] = k.scale_0 * g[0];
        u[1] = even_a + odd_a;
        u[2] = even_a - odd_a;
        u[3] = even_b + odd_b;
        u[4] = even_b - odd_b;
        u[5] = g[2];
        return;
    }
    const vec second = points == 5 ? g[1] : (vec){0};
    u[0] = k.scale_a * k.a1 * second + k.scale_a * g[0];
    u[1] = k.scale_a * k.a1 * second - k.scale_a * g[0];
    u[2] = k.scale_b * k.b1 * second + k.scale_b * g[0];
    u[3] = k.scale_b * k.b1 * second - k.scale_b * g[0];
    if (points == 5)
        u[4] = second;
}

/* g = G' u. */
ALWAYS_INLINE void map_weight_back(int points, const vec *u, vec *g)
{
    const struct winograd_constants k = constants_of(points);
    const vec *const pair = points == 6 ? u + 1 : u;
    const vec even_a = k.scale_a * (pair[0] + pair[1]), odd_a = k.scale_a * (pair[0] - pair[1]);
    const vec even_b = k.scale_b * (pair[2] + pair[3]), odd_b = k.scale_b * (pair[2] - pair[3]);
    if (points == 6) {
        g[0] = k.scale_0 * u[0] + (even_a + even_b);
        g[1] = k.a1 * odd_a + k.b1 * odd_b;
        g[2] = k.a2 * even_a + (k.b2 * even_b + u[5]);
        return;
    }
    g[0] = odd_a + odd_b;
    if (points == 5)
        g[1] = k.a1 * even_a + (k.b1 * even_b + u[4]);
}

#endif
