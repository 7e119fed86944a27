/* engine - loss and gradient of a network on a minibatch. The one door between the training loop
 * and the arithmetic: plain, vectorised and double-precision engines stand behind it.
 *
 * What is computed, for a minibatch of N images x with labels y and parameters w (n):
 *   loss = mean over the minibatch of the cross-entropy of softmax(network(x; w)) with y,
 *   g    = d loss / d w,
 * batch norm with the minibatch's own mean and variance (training mode, eps 1e-5) in
 * sam_engine_gradient(), with the running ones in sam_engine_evaluate().
 *
 * Same arguments give the same bytes for any number of threads in the pool. */
#ifndef SAM_NN_ENGINE_H
#define SAM_NN_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "nn/arch.h"

struct sam_engine;

/* How convolutions are done where the engine has a choice. */
enum sam_engine_conv {
    SAM_ENGINE_CONV_FAST,   /* what is fastest: Winograd for 3x3 */
    SAM_ENGINE_CONV_DIRECT, /* sums of products only: for claims about single parameters */
};

enum { SAM_ENGINE_MAX_BATCH = 65536 }; /* a row of an activation stays countable by an int */

struct sam_engine_settings {
    struct sam_arch arch;
    int max_batch;       /* the largest minibatch that will be given, 1 .. SAM_ENGINE_MAX_BATCH */
    const char *kernels; /* a name of sam_engine_kernel_names(); NULL or "auto": the best */
    enum sam_engine_conv conv;
};

struct sam_engine_result {
    double loss;      /* mean over the minibatch; may be NaN or infinite: the caller decides */
    uint32_t correct; /* images whose largest logit is their label's (first of equals);
                       * one with a NaN among its logits is not correct */
};

/* The kernels this machine can run, best first, NULL-terminated: static strings. "plain" (OpenBLAS,
 * single precision) and "double" (the same code in double precision: the reference) are always
 * there. */
const char *const *sam_engine_kernel_names(void);

/* Refuses (SAM_USAGE) a name that is none of them, nor "auto" or NULL. */
int sam_engine_check_kernels(const char *kernels, struct sam_error *error);

/* Allocates all memory that steps will need. The pool is the caller's and must outlive the engine.
 * Errors: SAM_USAGE for kernels this machine cannot run, a network that sam_arch_check() refuses or
 * a batch outside its range; SAM_FAILED out of memory. */
struct sam_engine *sam_engine_new(const struct sam_engine_settings *settings, struct sam_pool *pool,
                                  struct sam_error *error);
void sam_engine_free(struct sam_engine *engine);

/* What runs, for logs and provenance, with all that results depend on: "avx512, 16 samples a
 * vector, winograd F(4,3), F(4,2), OpenBLAS for SkylakeX". Owned by the engine. */
const char *sam_engine_description(const struct sam_engine *engine);

/* Loss and gradient in training mode.
 *   parameters (n), read;
 *   buffers    running means and variances, updated with momentum 0.1 (variance: the unbiased one),
 *              or NULL: left alone (SAM's second pass);
 *   images     (N, channels, 32, 32), normalised; labels (N); 1 <= N <= max_batch;
 *   gradient   (n), overwritten. */
void sam_engine_gradient(struct sam_engine *engine, const float *parameters, float *buffers,
                         const float *images, const uint8_t *labels, int batch, float *gradient,
                         struct sam_engine_result *result);

/* Loss and correct answers in evaluation mode, no gradient. right (N), unless NULL, becomes 1 for
 * each image that is answered correctly, else 0. */
void sam_engine_evaluate(struct sam_engine *engine, const float *parameters, const float *buffers,
                         const float *images, const uint8_t *labels, int batch,
                         struct sam_engine_result *result, uint8_t *right);

/* Where the time went since the engine was made, one entry a kind of work ("layer2 conv3x3
 * forward"). Entries are the engine's, in an order of its own. */
struct sam_engine_timing {
    const char *name;
    double seconds; /* of the calling thread's clock */
    double flops;   /* of the textbook (direct) algorithm; 0 where that means nothing */
};
const struct sam_engine_timing *sam_engine_timings(const struct sam_engine *engine, size_t *count);

#endif
