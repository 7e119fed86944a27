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

#endif
