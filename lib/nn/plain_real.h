/* plain_real - the number type of the plain engine, whose sources are compiled twice: as they are
 * in single precision (sam_plain_...), and by plain_double.c in double precision (sam_double_...),
 * the reference that everything else is held against.
 *
 * An activation of C channels for a minibatch of N images of H x W pixels is a matrix (C, N*H*W):
 * one row a channel, whole. Then a convolution is a matrix product that writes rows of the next
 * activation in place, batch norm works along rows, and a part of the batch is a range of columns.
 *
 * Same bytes for any number of threads: every function below cuts its work by the shape of the
 * problem, and each product is computed by one thread (OpenBLAS is held to one). */
#ifndef SAM_NN_PLAIN_REAL_H
#define SAM_NN_PLAIN_REAL_H

#include <cblas.h>

#ifdef SAM_PLAIN_DOUBLE
typedef double real;
#define SAM_PLAIN(name) sam_double_##name
#define SAM_PLAIN_GEMM cblas_dgemm
#else
typedef float real;
#define SAM_PLAIN(name) sam_plain_##name
#define SAM_PLAIN_GEMM cblas_sgemm
#endif

enum sam_plain_form { SAM_PLAIN_AS_IS = CblasNoTrans, SAM_PLAIN_TRANSPOSED = CblasTrans };

/* A matrix as stored, by rows: element (i, j) is at data[i * stride + j]. */
struct sam_plain_matrix {
    const real *data;
    int stride;
    enum sam_plain_form form;
};

/* c (m, n) = a (m, k) * b (k, n) + keep * c, where c's rows are `stride` apart. */
static inline void sam_plain_multiply(int m, int n, int k, struct sam_plain_matrix a,
                                      struct sam_plain_matrix b, real keep, real *c, int stride)
{
    SAM_PLAIN_GEMM(CblasRowMajor, (enum CBLAS_TRANSPOSE)a.form, (enum CBLAS_TRANSPOSE)b.form, m, n,
                   k, 1, a.data, a.stride, b.data, b.stride, keep, c, stride);
}

#endif
