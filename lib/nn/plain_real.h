/* plain_real - the number type of the plain engine, whose sources are compiled twice: as they are,
 * in single precision, and by plain_double.c in double precision, under the names below: the
 * reference that everything else is held against.
 *
 * An activation of C channels for a minibatch of N images of H x W pixels is a matrix (C, N*H*W):
 * one row a channel, whole. Then a convolution is a matrix product that writes rows of the next
 * activation in place, batch norm works along rows, and a part of the batch is a range of columns.
 *
 * Same bytes for any number of threads: every function cuts its work by the shape of the problem,
 * and each product is computed by one thread (OpenBLAS is held to one). */
#ifndef SAM_NN_PLAIN_REAL_H
#define SAM_NN_PLAIN_REAL_H

#include <cblas.h>

#ifdef SAM_PLAIN_DOUBLE
typedef double real;
#define SAM_PLAIN_GEMM cblas_dgemm
#define sam_plain_conv_output_size sam_double_conv_output_size
#define sam_plain_conv_panel sam_double_conv_panel
#define sam_plain_conv_weights sam_double_conv_weights
#define sam_plain_conv_forward sam_double_conv_forward
#define sam_plain_conv_backward_input sam_double_conv_backward_input
#define sam_plain_conv_backward_weight sam_double_conv_backward_weight
#define sam_plain_linear_forward sam_double_linear_forward
#define sam_plain_linear_backward sam_double_linear_backward
#define sam_plain_linear_loss sam_double_linear_loss
#define sam_plain_network_new sam_double_network_new
#define sam_plain_network_free sam_double_network_free
#define sam_plain_norm_measure sam_double_norm_measure
#define sam_plain_norm_recall sam_double_norm_recall
#define sam_plain_norm_forward sam_double_norm_forward
#define sam_plain_norm_backward sam_double_norm_backward
#define sam_plain_pool_forward sam_double_pool_forward
#define sam_plain_pool_backward sam_double_pool_backward
#else
typedef float real;
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
