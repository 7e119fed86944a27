#include "dataset/split.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"

enum part { UNASSIGNED, TRAIN, VALIDATION };

/* The split while it is made; arrays of one element an image. */
struct draft {
    const struct sam_images *images;
    int classes;
    uint64_t seed;
    uint8_t *parts;    /* enum part */
    uint32_t *members; /* scratch: the images of one class */
};

/* Collects the unassigned images of class `label`, ascending; returns how many. */
static uint32_t collect(const struct draft *draft, int label)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < draft->images->count; i++)
        if (draft->parts[i] == UNASSIGNED && draft->images->labels[i] == label)
            draft->members[count++] = i;
    return count;
}

/* `shares` (classes) of `wanted` images in proportion to `counts`, whose sum is `total`. */
static void apportion(const uint32_t *counts, int classes, uint32_t total, uint32_t wanted,
                      uint32_t *shares)
{
    uint32_t missing = wanted;
    for (int c = 0; c < classes; c++) {
        shares[c] = (uint32_t)((uint64_t)counts[c] * wanted / total);
        missing -= shares[c];
    }
    for (; missing > 0; missing--) {
        int best = 0;
        uint64_t largest = 0;
        for (int c = 0; c < classes; c++) {
            /* What the class still lacks, in units of 1/total image; below 0 once it got one. */
            const uint64_t exact = (uint64_t)counts[c] * wanted,
                           given = (uint64_t)shares[c] * total;
            if (exact > given && exact - given > largest) {
                largest = exact - given;
                best = c;
            }
        }
        shares[best]++;
    }
}

/* Assigns `wanted` of the `total` > 0 unassigned images to `part`. */
static int assign(const struct draft *draft, enum part part, uint32_t total, uint32_t wanted,
                  enum sam_rng_purpose purpose, struct sam_error *error)
{
    uint32_t *counts = sam_memory_new(2 * (size_t)draft->classes, sizeof *counts, error);
    if (!counts)
        return -1;
    uint32_t *shares = counts + draft->classes;
    for (int c = 0; c < draft->classes; c++)
        counts[c] = collect(draft, c);
    apportion(counts, draft->classes, total, wanted, shares);
    for (int c = 0; c < draft->classes; c++) {
        struct sam_rng rng;
        sam_rng_init(&rng, draft->seed, purpose, 0, (uint32_t)c);
        sam_rng_permute(&rng, draft->members, collect(draft, c));
        for (uint32_t i = 0; i < shares[c]; i++)
            draft->parts[draft->members[i]] = (uint8_t)part;
    }
    free(counts);
    return 0;
}

/* A list of the images of `part`, ascending. */
static uint32_t *list(const struct draft *draft, enum part part, uint32_t count,
                      struct sam_error *error)
{
    uint32_t *indices = sam_memory_new(count, sizeof *indices, error);
    if (!indices)
        return NULL;
    uint32_t *next = indices;
    for (uint32_t i = 0; i < draft->images->count; i++)
        if (draft->parts[i] == part)
            *next++ = i;
    return indices;
}

static int fill(const struct draft *draft, struct sam_split *split, struct sam_error *error)
{
    const uint32_t total = draft->images->count;
    if (assign(draft, VALIDATION, total, split->validation_count, SAM_RNG_SPLIT, error) ||
        assign(draft, TRAIN, total - split->validation_count, split->train_count, SAM_RNG_SUBSET,
               error))
        return -1;
    split->train = list(draft, TRAIN, split->train_count, error);
    if (!split->train)
        return -1;
    split->validation = list(draft, VALIDATION, split->validation_count, error);
    return split->validation ? 0 : -1;
}

static int choose_sizes(uint32_t total, double val_fraction, uint32_t train_size,
                        struct sam_split *split, struct sam_error *error)
{
    if (!(val_fraction >= 0 && val_fraction < 1))
        return sam_error_set(error, SAM_USAGE, "validation fraction %g, wanted 0 <= fraction < 1",
                             val_fraction);
    const uint32_t validation = (uint32_t)lround(val_fraction * total);
    const uint32_t rest = total - validation;
    if (rest == 0)
        return sam_error_set(error, SAM_USAGE,
                             "validation fraction %g of %" PRIu32
                             " images, wanted at least one left for training",
                             val_fraction, total);
    if (train_size > rest)
        return sam_error_set(error, SAM_USAGE,
                             "%" PRIu32 " training images, wanted at most %" PRIu32 " (%" PRIu32
                             " in the set, %" PRIu32 " of them for validation)",
                             train_size, rest, total, validation);
    *split = (struct sam_split){
        .train_count = train_size ? train_size : rest,
        .validation_count = validation,
    };
    return 0;
}

int sam_split_new(const struct sam_images *images, int classes, double val_fraction,
                  uint32_t train_size, uint64_t seed, struct sam_split *split,
                  struct sam_error *error)
{
    if (choose_sizes(images->count, val_fraction, train_size, split, error))
        return -1;
    struct draft draft = {.images = images, .classes = classes, .seed = seed};
    draft.parts = sam_memory_new(images->count, 1, error);
    draft.members = sam_memory_new(images->count, sizeof *draft.members, error);
    const int status = draft.parts && draft.members ? fill(&draft, split, error) : -1;
    free(draft.parts);
    free(draft.members);
    if (status)
        sam_split_free(split);
    return status;
}

void sam_split_free(struct sam_split *split)
{
    free(split->train);
    free(split->validation);
    *split = (struct sam_split){0};
}
