#include "nn/lanes/correlation.h"

/* A block of sums is held in registers: BLOCK_ROWS * BLOCK_COLUMNS multiply-adds for BLOCK_ROWS +
 * BLOCK_COLUMNS loads. */
enum { BLOCK_ROWS = 4, BLOCK_COLUMNS = LANES >= 16 ? 4 : 2 };

/* Called with constant `rows` and `columns` only, so that the sums stay in registers. */
ALWAYS_INLINE void block(const struct sam_lanes_correlation *c, int row, int column, int rows,
                         int columns)
{
    const float *a = c->a + row * c->a_row, *b[BLOCK_COLUMNS];
    vec sum[BLOCK_ROWS][BLOCK_COLUMNS];
    float *at = c->sums + ((ptrdiff_t)row * c->columns + column) * LANES;
#pragma GCC unroll 4
    for (int m = 0; m < columns; m++) {
        b[m] = c->b + c->b_column[column + m];
#pragma GCC unroll 4
        for (int n = 0; n < rows; n++)
            sum[n][m] = vec_load(at + (n * c->columns + m) * LANES);
    }
    for (ptrdiff_t i = 0; i < (ptrdiff_t)c->count * LANES; i += LANES) {
        vec factor[BLOCK_ROWS];
#pragma GCC unroll 4
        for (int n = 0; n < rows; n++)
            factor[n] = vec_load(a + n * c->a_row + i);
#pragma GCC unroll 4
        for (int m = 0; m < columns; m++) {
            const vec other = vec_load(b[m] + i);
#pragma GCC unroll 4
            for (int n = 0; n < rows; n++)
                sum[n][m] += factor[n] * other;
        }
    }
#pragma GCC unroll 4
    for (int m = 0; m < columns; m++)
#pragma GCC unroll 4
        for (int n = 0; n < rows; n++)
            vec_store(at + (n * c->columns + m) * LANES, sum[n][m]);
}

ALWAYS_INLINE void blocks(const struct sam_lanes_correlation *c, int row, int rows)
{
    int column = 0;
    for (; column + BLOCK_COLUMNS <= c->columns; column += BLOCK_COLUMNS)
        block(c, row, column, rows, BLOCK_COLUMNS);
    for (; column < c->columns; column++)
        block(c, row, column, rows, 1);
}

void sam_lanes_correlate(const struct sam_lanes_correlation *c)
{
    int row = 0;
    for (; row + BLOCK_ROWS <= c->rows; row += BLOCK_ROWS)
        blocks(c, row, BLOCK_ROWS);
    for (; row < c->rows; row++)
        blocks(c, row, 1);
}

/* Transposed, LANES sums are added up at once. */
void sam_lanes_correlation_total(const float *sums, ptrdiff_t count, float *totals)
{
    for (ptrdiff_t first = 0; first < count; first += LANES) {
        const ptrdiff_t left = count - first;
        vec square[LANES], total = {0};
        for (int i = 0; i < LANES; i++)
            square[i] = i < left ? vec_load(sums + (first + i) * LANES) : vec_all(0);
        vec_transpose(square);
        for (int i = 0; i < LANES; i++)
            total += square[i];
        for (int i = 0; i < LANES && i < left; i++)
            totals[first + i] = total[i];
    }
}
