/* update - the direction in which the weights move, made from the two gradients of SAM by a table.
 *
 * With g the gradient at w, gp the one at w + e, and k the ratio class of the parameter
 * (geometry/ratio.h; 0 to 4):
 *
 *     d_i = a[k] gp_i + b[k] g_i,     k = class of parameter i
 *
 * SAM is a = 1, b = 0 in every class, SGD the reverse; the notes' `checkpoint13` is a = 1, b = 0 in
 * classes 1 and 3, the reverse elsewhere. As a class tells whether the signs agree, taking only the
 * magnitude of gp, |gp| sign(g), is a table too: gp in classes 1 and 2, -gp in classes 3 and 4; and
 * so is taking only its direction, |g| sign(gp) (where gp = 0, which has no direction, g stays).
 *
 * A term whose coefficient is 0 is left out, so that a gp that is not finite (class 0) does no harm
 * where the table does not ask for it. */
#ifndef SAM_TRAIN_UPDATE_H
#define SAM_TRAIN_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"

enum { SAM_UPDATE_CLASSES = 5 };

struct sam_update {
    float perturbed[SAM_UPDATE_CLASSES]; /* a */
    float current[SAM_UPDATE_CLASSES];   /* b */
    float clamp;                         /* |d_i| <= clamp |g_i| in classes 1 to 4; 0: no clamp */
};

/* Reads a table in this form, later entries overriding earlier ones, classes not named keeping g:
 *     mix     = "current" | "perturbed" | "magnitude" | "direction" | entry { "," entry }
 *     entry   = classes "=" [ "-" ] term { ( "+" | "-" ) term }
 *     classes = "all" | digit { digit }             digits 0 to 4
 *     term    = [ number "*" ] ( "current" | "perturbed" )
 * as in "13=perturbed" or "all=perturbed,1=2*perturbed" or "4=0.5*current+0.5*perturbed".
 * The four names stand for whole tables, as said above. SAM_USAGE names the place of an error. */
int sam_update_parse_mix(const char *text, struct sam_update *update, struct sam_error *error);

/* Reads "1,3" (gp in these classes, each 1 to 4 and once, g elsewhere) or "none" (g everywhere). */
int sam_update_parse_classes(const char *text, struct sam_update *update, struct sam_error *error);

/* Whether d = gp whatever the classes: then they need not be known. */
bool sam_update_is_perturbed(const struct sam_update *update);

/* d (n) from g, gp and classes (n each). */
void sam_update_direction(const struct sam_update *update, const float *current,
                          const float *perturbed, const uint8_t *classes, size_t n,
                          float *direction);

/* The random-mask control: the classes (n) of one tensor in a random order, every order equally
 * likely. Counts stay as they are, which parameter has which class no longer means anything. */
void sam_update_permute_classes(struct sam_rng *rng, uint8_t *classes, size_t n);

/* The shuffled-ratio control: gp_i becomes g_i times the ratio gp/g of a random other parameter of
 * the same tensor (n). Parameters without a ratio (class 0, or one beyond the range of a float)
 * keep their gp and take no part. `scratch` (n) is overwritten. */
void sam_update_shuffle_ratios(struct sam_rng *rng, const float *current, float *perturbed,
                               const uint8_t *classes, size_t n, float *scratch);

#endif
