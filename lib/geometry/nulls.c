#include "geometry/nulls.h"

#include <math.h>
#include <stdbool.h>

static const double pi = 3.14159265358979323846;

/* --- The scale -------------------------------------------------------------------------------- */

/* Derivative of the log-likelihood by u = log s. With a = 1/s, b = 2/s and A = a/(1 + a^2) =
 * -d atan(a)/du, B = b/(1 + b^2):
 *
 *   -n2 A/atan(a) + n4 (A - B)/(atan(b) - atan(a)) + n3 B/(pi/2 - atan(b))
 *
 * It falls from n3 + n4 to -(n2 + n4): log|C| has the density sech(x)/pi, which is log-concave, so
 * the likelihood of intervals is log-concave in the location u. Differences of arctangents are
 * written as arctangents, so that nothing cancels. */
static double slope(double u, double n2, double n3, double n4)
{
    const double s = exp(u), a = 1 / s;
    const double A = 1 / (s + a), B = 2 / (s + 4 * a);
    const double between = atan(1 / (s + 2 * a)); /* atan(b) - atan(a) */
    return -n2 * A / atan(a) + n4 * (A - B) / between + n3 * B / atan(s / 2);
}

double sam_nulls_scale(const uint64_t counts[SAM_RATIO_CLASSES])
{
    const double n2 = (double)counts[2], n3 = (double)counts[3], n4 = (double)counts[4];
    if (n3 + n4 == 0)
        return n2 == 0 ? NAN : 0;
    if (n2 + n4 == 0)
        return INFINITY;
    /* Counts of 2^64 put s within exp(+-50); 64 halvings leave less than the last digit. */
    double low = -50, high = 50;
    for (int i = 0; i < 64; i++) {
        const double middle = (low + high) / 2;
        if (slope(middle, n2, n3, n4) > 0)
            low = middle;
        else
            high = middle;
    }
    return exp((low + high) / 2);
}

/* --- Shares ----------------------------------------------------------------------------------- */

/* P(low <= r < high) for r = 1 + s C, with both ends on one side of 1 or at it: each term is then
 * small where the probability is, and tails keep their digits. */
static double between(double s, double low, double high)
{
    if (s == 0) /* all at r = 1, half on either side of it */
        return low < 1 && high >= 1 ? 0.5 : low <= 1 && high > 1 ? 0.5 : 0;
    if (isinf(s)) /* all at the two infinities */
        return isinf(low) || isinf(high) ? 0.5 : 0;
    if (low >= 1)
        return (atan2(s, low - 1) - atan2(s, high - 1)) / pi;
    return (atan2(s, 1 - high) - atan2(s, 1 - low)) / pi;
}

static const double class_low[SAM_RATIO_CLASSES] = {0, 1, 0, -INFINITY, -1};
static const double class_high[SAM_RATIO_CLASSES] = {0, INFINITY, 1, -1, 0};

void sam_nulls_shares(double s, double shares[SAM_RATIO_CLASSES])
{
    shares[0] = 0;
    for (int class = 1; class < SAM_RATIO_CLASSES; class ++)
        shares[class] = isnan(s) ? NAN : between(s, class_low[class], class_high[class]);
}

double sam_nulls_bucket(double s, int ratio_class, double low, double high)
{
    double shares[SAM_RATIO_CLASSES];
    sam_nulls_shares(s, shares);
    const double from = fmax(low, class_low[ratio_class]);
    const double to = fmin(high, class_high[ratio_class]);
    if (isnan(s))
        return NAN;
    return from < to ? between(s, from, to) / shares[ratio_class] : 0;
}

/* --- Magnitudes ------------------------------------------------------------------------------- */

/* P(X > x) of a standard Gaussian variable. */
static double upper(double x)
{
    return erfc(x / sqrt(2)) / 2;
}

/* P(class | m), with g and gp scaled so that m is the magnitude of a standard Gaussian variable.
 *
 * m = |g|: r - 1 = h/g, with h/m Gaussian of deviation s/m.
 * m = |gp|: given gp > 0, g is Gaussian with mean gp/(1 + s^2) and variance s^2/(1 + s^2)
 * (regression of g on gp = g + h), and the classes 1, 2, 3, 4 are 0 < g < gp, g >= gp, -gp < g < 0,
 * g <= -gp. With gp = m sqrt(1 + s^2) the bounds, standardised, are the arguments below. */
static double class_given(double m, double s, int ratio_class, bool perturbed)
{
    const double turned = upper(m / s); /* P(g and gp differ in sign), the same for both */
    if (!perturbed) {
        const double below = upper(2 * m / s); /* P(r < -1) */
        const double shares[] = {0, 0.5, 0.5 - turned, below, turned - below};
        return shares[ratio_class];
    }
    const double beyond = upper(m * s);            /* P(g > gp) */
    const double beneath = upper(m * (2 / s + s)); /* P(g < -gp) */
    const double shares[] = {0, 1 - turned - beyond, beyond, turned - beneath, beneath};
    return shares[ratio_class];
}

/* The t with P(|X| > t) = p: the root of a falling function, by halving. */
static double threshold_of(double p)
{
    double low = 0, high = 40;
    for (int i = 0; i < 64; i++) {
        const double middle = (low + high) / 2;
        if (2 * upper(middle) > p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Simpson's rule over P(class | m) times the density of m, from t to where nothing is left. */
double sam_nulls_above(double s, int ratio_class, int perturbed)
{
    enum { INTERVALS = 4096 };
    double shares[SAM_RATIO_CLASSES], sum = 0;
    sam_nulls_shares(s, shares);
    if (isnan(s) || s == 0 || isinf(s) || shares[ratio_class] == 0)
        return NAN;
    const double t = threshold_of(shares[ratio_class]), step = 10. / INTERVALS;
    for (int i = 0; i <= INTERVALS; i++) {
        const double m = t + i * step;
        const int weight = i == 0 || i == INTERVALS ? 1 : i % 2 ? 4 : 2;
        sum += weight * exp(-m * m / 2) * class_given(m, s, ratio_class, perturbed != 0);
    }
    return sum * step / 3 * sqrt(2 / pi) / shares[ratio_class];
}

/* --- Permutation ------------------------------------------------------------------------------ */

void sam_nulls_permute(struct sam_nulls_permutation *permutation, double current, double perturbed,
                       int ratio_class, int of_perturbed, double threshold)
{
    const int found = sam_ratio_class(current, perturbed);
    if (found == SAM_RATIO_UNDEFINED)
        return;
    if (current == perturbed) {
        permutation->fixed += ratio_class == 2;
        permutation->fixed_above += ratio_class == 2 && fabs(current) > threshold;
        return;
    }
    const bool agrees = found == 1, has_to_agree = ratio_class == 1;
    permutation->agreeing += agrees;
    permutation->opposed += !agrees;
    const double dealt = agrees == has_to_agree ? perturbed : 2 * current - perturbed;
    if (sam_ratio_class(current, dealt) != ratio_class)
        return;
    permutation->candidates++;
    permutation->above += fabs(of_perturbed ? dealt : current) > threshold;
}

void sam_nulls_permuted(const struct sam_nulls_permutation *permutation, int ratio_class,
                        double *members, double *above)
{
    const double agreeing = (double)permutation->agreeing, opposed = (double)permutation->opposed;
    const double share = (ratio_class == 1 ? agreeing : opposed) / (agreeing + opposed);
    *members += (double)permutation->fixed;
    *above += (double)permutation->fixed_above;
    if (agreeing + opposed == 0)
        return;
    *members += share * (double)permutation->candidates;
    *above += share * (double)permutation->above;
}
