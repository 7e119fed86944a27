/* ratio - the class of a parameter: what the gradient at the perturbed weights became of the
 * gradient at the current ones.
 *
 * With g the current and gp the perturbed gradient of one parameter and r = gp/g:
 *
 *   class  notes        condition      decided by
 *   1      checkpoint1  r > 1          same sign, |gp| > |g|
 *   2      checkpoint2  0 <= r <= 1    same sign or gp = 0, |gp| <= |g|
 *   3      checkpoint3  r < -1         opposite sign, |gp| > |g|
 *   4      checkpoint4  -1 <= r < 0    opposite sign, |gp| <= |g|, gp != 0
 *   0      none         no ratio       g = 0, or g or gp not finite
 *
 * Decided exactly, on the bits of the two numbers: no division, nothing that a rounding mode or
 * flush-to-zero could change. This room is the only place that knows the rule. */
#ifndef SAM_GEOMETRY_RATIO_H
#define SAM_GEOMETRY_RATIO_H

#include <stddef.h>
#include <stdint.h>

enum { SAM_RATIO_UNDEFINED = 0, SAM_RATIO_CLASSES = 5 /* 0 to 4 */ };

/* The class of one parameter; a float given here is converted exactly. The plain reference of the
 * array functions below. */
uint8_t sam_ratio_class(double current, double perturbed);

/* The classes of n parameters, into classes (n). current and perturbed may be the same array, and
 * classes may not overlap them. */
void sam_ratio_classify(const float *current, const float *perturbed, size_t n, uint8_t *classes);
void sam_ratio_classify_double(const double *current, const double *perturbed, size_t n,
                               uint8_t *classes);

/* The rule of the notes' published code: r = gp/(g + eps) in single precision (their eps is 1e-8),
 * class 1 where r > 1, 2 where 0 < r < 1, 3 where r < -1, 4 where -1 < r < 0, and 0 for all else
 * (equal gradients, gp = 0, NaN; but an r that overflows to infinity counts as above 1). */
uint8_t sam_ratio_class_published(float current, float perturbed, float eps);
void sam_ratio_classify_published(const float *current, const float *perturbed, size_t n, float eps,
                                  uint8_t *classes);

/* Adds to counts[c] the number of parameters of class c, for c = 0 .. 4. A value that is no class
 * is counted nowhere: where one may be met, compare what was added with n. */
void sam_ratio_count(const uint8_t *classes, size_t n, uint64_t counts[SAM_RATIO_CLASSES]);

#endif
