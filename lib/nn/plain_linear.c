#include "nn/plain_linear.h"

#include <math.h>
#include <stdbool.h>

void sam_plain_linear_forward(const struct sam_plain_linear *linear, int batch, const real *x,
                              const real *weight, const real *bias, real *y)
{
    for (int k = 0; k < linear->out; k++)
        for (int n = 0; n < batch; n++)
            y[(size_t)k * (size_t)batch + (size_t)n] = bias[k];
    sam_plain_multiply(linear->out, batch, linear->in,
                       (struct sam_plain_matrix){weight, linear->in, SAM_PLAIN_AS_IS},
                       (struct sam_plain_matrix){x, batch, SAM_PLAIN_AS_IS}, 1, y, batch);
}

void sam_plain_linear_backward(const struct sam_plain_linear *linear, int batch, const real *x,
                               const real *weight, const real *dy, real *dx, real *dweight,
                               real *dbias)
{
    sam_plain_multiply(linear->in, batch, linear->out,
                       (struct sam_plain_matrix){weight, linear->in, SAM_PLAIN_TRANSPOSED},
                       (struct sam_plain_matrix){dy, batch, SAM_PLAIN_AS_IS}, 0, dx, batch);
    sam_plain_multiply(
        linear->out, linear->in, batch, (struct sam_plain_matrix){dy, batch, SAM_PLAIN_AS_IS},
        (struct sam_plain_matrix){x, batch, SAM_PLAIN_TRANSPOSED}, 0, dweight, linear->in);
    for (int k = 0; k < linear->out; k++) {
        double sum = 0;
        for (int n = 0; n < batch; n++)
            sum += (double)dy[(size_t)k * (size_t)batch + (size_t)n];
        dbias[k] = (real)sum;
    }
}

/* The logits of one image: a column of (classes, N). */
struct column {
    const real *first;
    int classes;
    size_t stride;
};

static double at(struct column column, int k)
{
    return (double)column.first[(size_t)k * column.stride];
}

static bool is_correct(struct column logits, int label)
{
    const double own = at(logits, label);
    for (int k = 0; k < logits.classes; k++)
        if (k != label && !(k < label ? own > at(logits, k) : own >= at(logits, k)))
            return false;
    return true;
}

/* log(sum exp(logits)); the largest is taken out, so that no term overflows. */
static double log_sum_exp(struct column logits)
{
    double largest = at(logits, 0), sum = 0;
    for (int k = 1; k < logits.classes; k++)
        if (at(logits, k) > largest)
            largest = at(logits, k);
    for (int k = 0; k < logits.classes; k++)
        sum += exp(at(logits, k) - largest);
    return largest + log(sum);
}

void sam_plain_linear_loss(int classes, int batch, const real *logits, const uint8_t *labels,
                           real *dlogits, struct sam_engine_result *result, uint8_t *right)
{
    *result = (struct sam_engine_result){0};
    for (int n = 0; n < batch; n++) {
        const struct column column = {logits + n, classes, (size_t)batch};
        const double log_sum = log_sum_exp(column);
        result->loss += (log_sum - at(column, labels[n])) / batch;
        const bool correct = is_correct(column, labels[n]);
        result->correct += correct;
        if (right)
            right[n] = correct;
        for (int k = 0; dlogits && k < classes; k++)
            dlogits[(size_t)k * (size_t)batch + (size_t)n] =
                (real)((exp(at(column, k) - log_sum) - (k == labels[n])) / batch);
    }
}
