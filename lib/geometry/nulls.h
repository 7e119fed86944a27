/* nulls - what the classes, buckets and magnitudes would be if the loss had no structure.
 *
 * To first order gp = g + h with h = rho Hg/|g|. Let all g_i be independent, centred and Gaussian,
 * all h_i too and independent of g, and let s = sd(h)/sd(g) be their scale. Then h_i/g_i is s times
 * a standard Cauchy variable C, r = 1 + s C, and with F(x) = 1/2 + atan(x)/pi:
 *
 *   class 1, r > 1:         1/2
 *   class 2, 0 <= r <= 1:   atan(1/s)/pi
 *   class 4, -1 <= r < 0:   (atan(2/s) - atan(1/s))/pi
 *   class 3, r < -1:        1/2 - atan(2/s)/pi
 *   P(r < x)                F((x - 1)/s)
 *
 * One parameter, s, for everything. (A Cauchy variable has no mean: neither has r.) */
#ifndef SAM_GEOMETRY_NULLS_H
#define SAM_GEOMETRY_NULLS_H

#include <stddef.h>
#include <stdint.h>

#include "geometry/ratio.h"

/* The maximum-likelihood estimate of s, from the counts of the classes: the s that maximises
 * sum over classes of counts[c] log P(class c). Class 1 says nothing of s, class 0 is left out. It
 * is 0 where classes 3 and 4 are empty, infinite where 2 and 4 are, NaN where all three are. */
double sam_nulls_scale(const uint64_t counts[SAM_RATIO_CLASSES]);

/* The null's shares of the classes 1 to 4; shares[0] = 0. s from 0 to infinity; NaN gives NaN. */
void sam_nulls_shares(double s, double shares[SAM_RATIO_CLASSES]);

/* The null's P(low <= r < high | class), for low < high, which may be infinite. */
double sam_nulls_bucket(double s, int ratio_class, double low, double high);

/* The null's P(m > t | class), where m = |g| (or, with `perturbed`, |gp|) and t is the threshold
 * that P(m > t) = P(class) defines: what flat-threshold's percent would be, /100. Where classes
 * were drawn without regard to m, it would be P(class). */
double sam_nulls_above(double s, int ratio_class, int perturbed);

/* --- The permutation null of a threshold --------------------------------------------------------
 *
 * That g and h = gp - g have the same sign is r > 1, class 1; with the other sign of h, r becomes
 * 2 - r. The null deals these signs anew within each tensor, as many agreeing as there are, while
 * |g| and |h| stay: a tensor's own scale and share of agreement are kept, what links sign and
 * magnitude within it is not. To be expected of the class is then the share of agreement (of class
 * 1; its complement for the others) times the candidates, the parameters that would be of the class
 * with that sign. */

/* Of one tensor; begins as zeros. */
struct sam_nulls_permutation {
    uint64_t agreeing, opposed;  /* parameters by the sign of h */
    uint64_t candidates, above;  /* ... of the class, and those with m > threshold */
    uint64_t fixed, fixed_above; /* members without a sign (r = 1, of class 2) */
};

/* Adds a parameter; m is |g|, or with `perturbed` |gp|. */
void sam_nulls_permute(struct sam_nulls_permutation *permutation, double current, double perturbed,
                       int ratio_class, int of_perturbed, double threshold);

/* The expected members of the class, and among them those with m > threshold, are added. */
void sam_nulls_permuted(const struct sam_nulls_permutation *permutation, int ratio_class,
                        double *members, double *above);

#endif
