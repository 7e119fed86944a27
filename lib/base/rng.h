/* rng - random numbers by counter, from Philox4x32-10.
 *
 * Every number is a function of (seed, purpose, epoch, index, position): no order of calls and no
 * number of threads can change it, and a resumed run draws what an uninterrupted one would.
 *
 * Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011; the Random123 library of the same authors computes the blocks. */
#ifndef SAM_BASE_RNG_H
#define SAM_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What numbers are for. Two purposes never share a number. The values are part of what a seed
 * means: append, never renumber. */
enum sam_rng_purpose {
    SAM_RNG_INIT = 1,    /* initial weights; index: the tensor */
    SAM_RNG_SPLIT = 2,   /* train/validation split; index: the class */
    SAM_RNG_SUBSET = 3,  /* --train-size; index: the class */
    SAM_RNG_ORDER = 4,   /* order of the images in an epoch */
    SAM_RNG_AUGMENT = 5, /* augmentation; index: the image */
    SAM_RNG_MASK = 6,    /* random-mask control; epoch: the step, index: the tensor */
    SAM_RNG_SHUFFLE = 7, /* shuffled-ratio control; epoch: the step, index: the tensor */
    SAM_RNG_BATCHES = 8, /* minibatches chosen by dump-grads; index: the minibatch */
    /* 9 is no longer used */
    SAM_RNG_DRAWN = 10, /* augmentation of an image drawn by dump-grads; index: the draw */
    SAM_RNG_TEST = 100, /* tests and benchmarks */
};

/* A sequence of random numbers. Plain data: copy it to remember a place in the sequence. */
struct sam_rng {
    uint32_t key[2], counter[4];
    uint32_t block[4];
    int left; /* numbers of `block` not yet given out */
};

/* Starts the sequence of (seed, purpose, epoch, index). A sequence has 2^34 numbers. */
void sam_rng_init(struct sam_rng *rng, uint64_t seed, enum sam_rng_purpose purpose, uint32_t epoch,
                  uint32_t index);

/* Uniform on all 32-bit values. */
uint32_t sam_rng_u32(struct sam_rng *rng);

/* Uniform on [0, 1): a multiple of 2^-24. */
float sam_rng_float(struct sam_rng *rng);

/* Uniform on 0 .. bound-1, without bias; bound > 0. */
uint32_t sam_rng_below(struct sam_rng *rng, uint32_t bound);

/* Permutes `items` (N) uniformly (Fisher-Yates). */
void sam_rng_permute(struct sam_rng *rng, uint32_t *items, size_t n);

#endif
