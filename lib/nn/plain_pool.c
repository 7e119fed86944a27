#include "nn/plain_pool.h"

void sam_plain_pool_forward(size_t rows, size_t pixels, const real *x, real *pooled)
{
    for (size_t r = 0; r < rows; r++, x += pixels) {
        double sum = 0;
        for (size_t i = 0; i < pixels; i++)
            sum += (double)x[i];
        pooled[r] = (real)(sum / (double)pixels);
    }
}

void sam_plain_pool_backward(size_t rows, size_t pixels, const real *dpooled, real *dx)
{
    for (size_t r = 0; r < rows; r++, dx += pixels)
        for (size_t i = 0; i < pixels; i++)
            dx[i] = dpooled[r] / (real)pixels;
}
