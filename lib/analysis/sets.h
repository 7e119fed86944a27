/* sets - the members of one ratio class in a record, as bits (geometry/overlap.h): n/8 bytes.
 *
 * Parameters lie slot by slot (analysis/input.h, SAM_INPUT_SAME), each slot from a new group
 * (SAM_OVERLAP_GROUP) on, so that sets of different records compare tensor by tensor. */
#ifndef SAM_ANALYSIS_SETS_H
#define SAM_ANALYSIS_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/classes.h"
#include "analysis/input.h"
#include "base/error.h"
#include "base/memory.h"

/* Where things are, the same for all records of a stream, and the memory for all sets. */
struct sam_sets {
    size_t slot_count, words;
    size_t *word_of;           /* per slot: its first word; [slot_count]: words */
    uint64_t *parameters;      /* per slot */
    size_t *group_of;          /* per slot */
    size_t *first_of;          /* per group: its first slot */
    size_t *next_of;           /* per slot: the next of its group, or SAM_SETS_NONE */
    struct sam_arena **arenas; /* (made / sets an arena holds, rounded up) */
    size_t made;               /* sets */
};

#define SAM_SETS_NONE SIZE_MAX

struct sam_set {
    uint64_t step;
    uint64_t *bits;  /* (words) */
    uint64_t *sizes; /* members per slot */
};

/* Lays out the sets by the first record of an input with SAM_INPUT_SAME. The caller frees them, all
 * at once, with sam_sets_free(). */
int sam_sets_init(struct sam_sets *sets, const struct sam_input *input, struct sam_error *error);
void sam_sets_free(struct sam_sets *sets);

/* An empty set. */
int sam_sets_make(struct sam_sets *sets, struct sam_set *set, struct sam_error *error);

/* Visits the record at hand, and makes `set` the members of the class. */
int sam_sets_read(const struct sam_sets *sets, struct sam_input *input, int ratio_class,
                  struct sam_set *set, struct sam_error *error);

/* set becomes equal to other. */
void sam_sets_copy(const struct sam_sets *sets, struct sam_set *set, const struct sam_set *other);

/* set becomes its intersection with other. */
void sam_sets_intersect(const struct sam_sets *sets, struct sam_set *set,
                        const struct sam_set *other);

/* The members of a set in a group. */
uint64_t sam_sets_size(const struct sam_sets *sets, const struct sam_set *set, size_t group);

/* What two sets have in a group of parameters. */
struct sam_sets_common {
    uint64_t a, b, common; /* members of each, and of both */
    double tensor_chance;  /* the sum over the group's tensors of a_l b_l/n_l */
};
struct sam_sets_common sam_sets_compare(const struct sam_sets *sets, const struct sam_set *a,
                                        const struct sam_set *b, size_t group);

#endif
