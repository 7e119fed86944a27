#include "nn/lanes_norm.h"

#include <math.h>

static const double EPSILON = 1e-5, MOMENTUM = 0.1;

static void set_norm(struct sam_lanes_unit *unit, int channel, double mean, double variance,
                     const float *parameters)
{
    const double inverse = 1 / sqrt(variance + EPSILON);
    const double scale = (double)parameters[unit->arch->norm_weight + (size_t)channel] * inverse;
    const double bias = (double)parameters[unit->arch->norm_bias + (size_t)channel];
    unit->mean[channel] = (float)mean;
    unit->inverse[channel] = (float)inverse;
    unit->scale[channel] = (float)scale;
    unit->shift[channel] = (float)(bias - mean * scale);
}

static void move(float *running, double to)
{
    *running = (float)((1 - MOMENTUM) * (double)*running + MOMENTUM * to);
}

/* Makes `sum` the moments of both sets of values (T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating
 * formulae and a pairwise algorithm for computing sample variances", 1979); `more` is not empty. */
static void add_moments(struct sam_lanes_moments *sum, struct sam_lanes_moments more)
{
    const double count = sum->count + more.count, shift = more.mean - sum->mean;
    sum->squares += more.squares + shift * shift * sum->count * more.count / count;
    sum->mean += shift * more.count / count;
    sum->count = count;
}

/* The moments of all parts together, added in their order. */
static struct sam_lanes_moments moments_of(const struct sam_lanes_unit *unit, int channel,
                                           int parts)
{
    struct sam_lanes_moments sum = unit->moments[channel];
    for (int part = 1; part < parts; part++)
        add_moments(&sum, unit->moments[part * unit->arch->out + channel]);
    return sum;
}

void sam_lanes_norm_measure(struct sam_lanes_unit *unit, int parts, const float *parameters,
                            float *buffers)
{
    for (int channel = 0; channel < unit->arch->out; channel++) {
        const struct sam_lanes_moments sum = moments_of(unit, channel, parts);
        set_norm(unit, channel, sum.mean, sum.squares / sum.count, parameters);
        if (buffers) {
            move(&buffers[unit->arch->running_mean + (size_t)channel], sum.mean);
            move(&buffers[unit->arch->running_var + (size_t)channel],
                 sum.squares / (sum.count - 1));
        }
    }
}

void sam_lanes_norm_recall(struct sam_lanes_unit *unit, const float *parameters,
                           const float *buffers)
{
    for (int channel = 0; channel < unit->arch->out; channel++)
        set_norm(unit, channel, (double)buffers[unit->arch->running_mean + (size_t)channel],
                 (double)buffers[unit->arch->running_var + (size_t)channel], parameters);
}

void sam_lanes_norm_slope(struct sam_lanes_unit *unit, int parts, int batch,
                          const float *parameters, float *gradient)
{
    const double count = (double)batch * unit->pixels;
    for (int channel = 0; channel < unit->arch->out; channel++) {
        double sum = 0, product = 0;
        for (int part = 0; part < parts; part++) {
            sum += unit->sums[part * unit->arch->out + channel][0];
            product += unit->sums[part * unit->arch->out + channel][1];
        }
        const double inverse = (double)unit->inverse[channel], mean = (double)unit->mean[channel];
        const double weight = (double)parameters[unit->arch->norm_weight + (size_t)channel];
        const double a = weight * inverse, b = -a * product * inverse * inverse / count;
        unit->a[channel] = (float)a;
        unit->b[channel] = (float)b;
        unit->c[channel] = (float)(-a * sum / count - b * mean);
        gradient[unit->arch->norm_weight + (size_t)channel] = (float)(product * inverse);
        gradient[unit->arch->norm_bias + (size_t)channel] = (float)sum;
    }
}
