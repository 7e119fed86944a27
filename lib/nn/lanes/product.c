#include "nn/lanes/product.h"

/* A block of out is held in registers while r runs: as many accumulators as leave room for the
 * vectors of x and one w. Each step loads `columns` vectors and `rows` numbers for rows * columns
 * multiply-adds. Two of these start in a cycle and take four, so eight or more must be under way.
 */
#if LANES >= 16
enum { ACCUMULATORS = 24 }; /* of 32 registers */
#else
enum { ACCUMULATORS = 12 }; /* of 16 */
#endif
enum { MOST_COLUMNS = 4, MOST_ROWS = 12 };

/* Rows of a block with so many columns. */
#define ROWS(columns) (ACCUMULATORS / (columns) < MOST_ROWS ? ACCUMULATORS / (columns) : MOST_ROWS)

/* One block. Called with constant `rows`, `columns` and `add` only, so that every loop but that
 * over r unrolls and the accumulators stay in registers. */
ALWAYS_INLINE void block(const struct sam_lanes_product *p, int row, int column, int rows,
                         int columns, bool add)
{
    const float *x = p->x + column * p->x_column, *w = p->w + row * p->w_row;
    const ptrdiff_t x_column = p->x_column, w_row = p->w_row;
    float *out = p->out + row * p->out_row + column * p->out_column;
    vec sum[MOST_ROWS][MOST_COLUMNS];
#pragma GCC unroll 12
    for (int n = 0; n < rows; n++)
#pragma GCC unroll 4
        for (int i = 0; i < columns; i++)
            sum[n][i] = add ? vec_load(out + n * p->out_row + i * p->out_column) : (vec){0};
    for (int r = 0; r < p->depth; r++) {
        const struct sam_lanes_step step = p->steps[r];
        vec factor[MOST_COLUMNS];
#pragma GCC unroll 4
        for (int i = 0; i < columns; i++)
            factor[i] = vec_load(x + step.x + i * x_column);
#pragma GCC unroll 12
        for (int n = 0; n < rows; n++) {
            const vec weight = vec_all(w[step.w + n * w_row]);
#pragma GCC unroll 4
            for (int i = 0; i < columns; i++)
                sum[n][i] += weight * factor[i];
        }
    }
#pragma GCC unroll 12
    for (int n = 0; n < rows; n++)
#pragma GCC unroll 4
        for (int i = 0; i < columns; i++)
            vec_store(out + n * p->out_row + i * p->out_column, sum[n][i]);
}

/* Blocks of a constant width and of `rows` rows, a number known only now. */
#define BLOCK_CASE(count, columns)                                                     \
    case count:                                                                        \
        if (count <= ROWS(columns) && p->add)                                          \
            block(p, row, column, count <= ROWS(columns) ? count : 1, columns, true);  \
        else if (count <= ROWS(columns))                                               \
            block(p, row, column, count <= ROWS(columns) ? count : 1, columns, false); \
        break;
#define BLOCK_OF(width)                                                                            \
    static void block_of_##width(const struct sam_lanes_product *p, int row, int column, int rows) \
    {                                                                                              \
        switch (rows) {                                                                            \
            BLOCK_CASE(1, width)                                                                   \
            BLOCK_CASE(2, width)                                                                   \
            BLOCK_CASE(3, width)                                                                   \
            BLOCK_CASE(4, width)                                                                   \
            BLOCK_CASE(5, width)                                                                   \
            BLOCK_CASE(6, width)                                                                   \
            BLOCK_CASE(7, width)                                                                   \
            BLOCK_CASE(8, width)                                                                   \
            BLOCK_CASE(9, width)                                                                   \
            BLOCK_CASE(10, width)                                                                  \
            BLOCK_CASE(11, width)                                                                  \
            BLOCK_CASE(12, width)                                                                  \
        }                                                                                          \
    }
BLOCK_OF(1)
BLOCK_OF(2)
BLOCK_OF(3)
BLOCK_OF(4)

static const struct {
    void (*run)(const struct sam_lanes_product *p, int row, int column, int rows);
    int most_rows;
} blocks[MOST_COLUMNS + 1] = {{0},
                              {block_of_1, ROWS(1)},
                              {block_of_2, ROWS(2)},
                              {block_of_3, ROWS(3)},
                              {block_of_4, ROWS(4)}};

/* Items that the next block takes of `left`, so that no block is much smaller than the others: 64
 * rows in blocks of at most 6 are nine of 6 and two of 5. */
static int share(int left, int most)
{
    const int count = (left + most - 1) / most;
    return (left + count - 1) / count;
}

/* Rows outermost: their part of w is read again for each block of columns, from the nearest cache,
 * while x, the larger, streams. */
void SAM_LANES(multiply)(const struct sam_lanes_product *p)
{
    for (int column = 0, columns; column < p->columns; column += columns) {
        columns = share(p->columns - column, MOST_COLUMNS);
        for (int row = 0, rows; row < p->rows; row += rows) {
            rows = share(p->rows - row, blocks[columns].most_rows);
            blocks[columns].run(p, row, column, rows);
        }
    }
}
