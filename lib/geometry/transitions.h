/* transitions - how parameters move between the ratio classes from one record to another. */
#ifndef SAM_GEOMETRY_TRANSITIONS_H
#define SAM_GEOMETRY_TRANSITIONS_H

#include <stddef.h>
#include <stdint.h>

#include "geometry/ratio.h"

struct sam_transitions {
    uint64_t counts[SAM_RATIO_CLASSES][SAM_RATIO_CLASSES]; /* [class before][class after] */
};

/* Adds n parameters with the classes before and after, all 0 to 4. */
void sam_transitions_count(struct sam_transitions *transitions, const uint8_t *before,
                           const uint8_t *after, size_t n);

/* Adds the counts of another table. */
void sam_transitions_add(struct sam_transitions *transitions, const struct sam_transitions *other);

/* How many stay in their class; and how many would if the two classes of a parameter were
 * independent, with the numbers before and after as they are: the sum over classes of before *
 * after / n. */
uint64_t sam_transitions_unchanged(const struct sam_transitions *transitions);
double sam_transitions_chance(const struct sam_transitions *transitions);

/* Cohen's kappa of the five classes: (unchanged - chance)/(n - chance). */
double sam_transitions_kappa(const struct sam_transitions *transitions);

#endif
