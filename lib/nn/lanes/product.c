#include "nn/lanes/product.h"

/* A block of out is held in registers while r runs: as many accumulators as leave room for the
 * vectors of x and one w. Each step loads `columns` vectors and `rows` numbers for rows * columns
 * multiply-adds. Two of these start in a cycle and take four, so eight or more must be under way.
 * Each step also asks for its share of the w of the block below, as they lie in a Winograd product
 * (rows of `depth` numbers one behind the other): where they come from afar, the short rows of w
 * are over before the hardware has seen that it should read ahead. In a direct convolution, whose
 * taps are spread over the w, it asks for lines that are mostly there already, which costs little.
 */
#if LANES >= 16
enum { ACCUMULATORS = 24 }; /* of 32 registers */
#else
enum { ACCUMULATORS = 12 }; /* of 16 */
#endif
enum { MOST_COLUMNS = 4, MOST_ROWS = 16 };

/* Rows of a block with so many columns. */
#define ROWS(columns) (ACCUMULATORS / (columns) < MOST_ROWS ? ACCUMULATORS / (columns) : MOST_ROWS)

/* One block. Four rows share a pointer into w: more distances from one would not fit the registers
 * that hold addresses. Called with constant `rows`, `columns` and `add` only, so that every loop
 * but that over r unrolls and the accumulators stay in registers. */
ALWAYS_INLINE void block(const struct sam_lanes_product *p, int row, int column, int rows,
                         int columns, bool add)
{
    const ptrdiff_t x_step = p->x_step, w_step = p->w_step, w_row = p->w_row;
    float *out = p->out + row * p->out_row + column * p->out_column;
    vec sum[MOST_ROWS][MOST_COLUMNS];
#pragma GCC unroll 16
    for (int n = 0; n < rows; n++)
#pragma GCC unroll 4
        for (int i = 0; i < columns; i++)
            sum[n][i] = add ? vec_load(out + n * p->out_row + i * p->out_column) : (vec){0};
    for (int t = 0; t < p->taps; t++) {
        const float *x = p->x + p->tap[t].x + column * LANES;
        const float *w[MOST_ROWS / 4];
        const float *next = p->w + p->tap[t].w + (row + rows) * w_row;
#pragma GCC unroll 4
        for (int n = 0; n < rows; n += 4)
            w[n / 4] = p->w + p->tap[t].w + (row + n) * w_row;
        for (int r = 0; r < p->depth; r++, x += x_step, next += rows) {
            vec factor[MOST_COLUMNS];
            __builtin_prefetch(next);
#pragma GCC unroll 4
            for (int i = 0; i < columns; i++)
                factor[i] = vec_load(x + i * LANES);
#pragma GCC unroll 16
            for (int n = 0; n < rows; n++) {
                const vec weight = vec_all(w[n / 4][n % 4 * w_row]);
#pragma GCC unroll 4
                for (int i = 0; i < columns; i++)
                    sum[n][i] += weight * factor[i];
            }
#pragma GCC unroll 4
            for (int n = 0; n < rows; n += 4)
                w[n / 4] += w_step;
        }
    }
#pragma GCC unroll 16
    for (int n = 0; n < rows; n++)
#pragma GCC unroll 4
        for (int i = 0; i < columns; i++)
            vec_store(out + n * p->out_row + i * p->out_column, sum[n][i]);
}

/* All blocks of a constant width, from `column` down: full ones, then one of the rows left over. */
#define LEFT_OVER(count, columns)                                                   \
    case count:                                                                     \
        if (count < ROWS(columns))                                                  \
            block(p, row, column, count < ROWS(columns) ? count : 1, columns, add); \
        break;

ALWAYS_INLINE void blocks(const struct sam_lanes_product *p, int column, int columns, bool add)
{
    int row = 0;
    for (; row + ROWS(columns) <= p->rows; row += ROWS(columns))
        block(p, row, column, ROWS(columns), columns, add);
    switch (p->rows - row) {
        LEFT_OVER(1, columns)
        LEFT_OVER(2, columns)
        LEFT_OVER(3, columns)
        LEFT_OVER(4, columns)
        LEFT_OVER(5, columns)
        LEFT_OVER(6, columns)
        LEFT_OVER(7, columns)
        LEFT_OVER(8, columns)
        LEFT_OVER(9, columns)
        LEFT_OVER(10, columns)
        LEFT_OVER(11, columns)
        LEFT_OVER(12, columns)
        LEFT_OVER(13, columns)
        LEFT_OVER(14, columns)
        LEFT_OVER(15, columns)
    }
}

ALWAYS_INLINE void multiply(const struct sam_lanes_product *p, bool add)
{
    int column = 0;
    /* 8 rows of AVX-512 are one block of three columns and none left over, but of four columns one
     * of 6 rows and one of 2. The last columns, four at most, are not cut: one alone is slow. */
    if (p->rows % ROWS(4) != 0 && p->rows % ROWS(3) == 0)
        for (; column + 4 < p->columns; column += 3)
            blocks(p, column, 3, add);
    for (; column + 4 <= p->columns; column += 4)
        blocks(p, column, 4, add);
    switch (p->columns - column) {
    case 3:
        blocks(p, column, 3, add);
        break;
    case 2:
        blocks(p, column, 2, add);
        break;
    case 1:
        blocks(p, column, 1, add);
        break;
    }
}

void sam_lanes_multiply(const struct sam_lanes_product *p)
{
    if (p->add)
        multiply(p, true);
    else
        multiply(p, false);
}
