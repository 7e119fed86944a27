#include "geometry/transitions.h"

#include "geometry/kernels.h"

void sam_transitions_count(struct sam_transitions *transitions, const uint8_t *before,
                           const uint8_t *after, size_t n)
{
    sam_kernels_best()->count_transitions(before, after, n, transitions);
}

void sam_transitions_add(struct sam_transitions *transitions, const struct sam_transitions *other)
{
    for (int from = 0; from < SAM_RATIO_CLASSES; from++)
        for (int to = 0; to < SAM_RATIO_CLASSES; to++)
            transitions->counts[from][to] += other->counts[from][to];
}

uint64_t sam_transitions_unchanged(const struct sam_transitions *transitions)
{
    uint64_t unchanged = 0;
    for (int class = 0; class < SAM_RATIO_CLASSES; class ++)
        unchanged += transitions->counts[class][class];
    return unchanged;
}

/* The sum of all counts. */
static double total(const struct sam_transitions *transitions)
{
    double n = 0;
    for (int from = 0; from < SAM_RATIO_CLASSES; from++)
        for (int to = 0; to < SAM_RATIO_CLASSES; to++)
            n += (double)transitions->counts[from][to];
    return n;
}

double sam_transitions_chance(const struct sam_transitions *transitions)
{
    double chance = 0;
    for (int class = 0; class < SAM_RATIO_CLASSES; class ++) {
        double before = 0, after = 0;
        for (int other = 0; other < SAM_RATIO_CLASSES; other++) {
            before += (double)transitions->counts[class][other];
            after += (double)transitions->counts[other][class];
        }
        chance += before * after;
    }
    return chance / total(transitions);
}

double sam_transitions_kappa(const struct sam_transitions *transitions)
{
    const double chance = sam_transitions_chance(transitions);
    return ((double)sam_transitions_unchanged(transitions) - chance) /
           (total(transitions) - chance);
}
