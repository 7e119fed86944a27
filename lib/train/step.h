/* step - one training step of SGD or SAM on the parameters of a network.
 *
 *   1. g, the gradient of the minibatch's loss at w; running statistics updated;
 *   2. e = rho g / (||g|| + 1e-12), the norm over all parameters (P. Foret et al., "Sharpness-aware
 *      minimization for efficiently improving generalization", ICLR 2021); adaptive (J. Kwon et
 * al., "ASAM: adaptive sharpness-aware minimization for scale-invariant learning of deep neural
 *      networks", ICML 2021): e = rho T^2 g / (||T g|| + 1e-12) with T = |w| + 0.01 for the
 *      parameters named weight (convolution, norm, linear) and T = 1 for biases, as in the authors'
 *      published code;
 *   3. gp, the gradient at w + e, same images, running statistics left alone. w itself is not
 *      touched: the engine is given a copy that has moved;
 *   4. d from g and gp by the update table (train/update.h) and the control; d += decay w;
 *      v = momentum v + d; w = w - rate v.
 *
 * All work is cut into pieces by the tensors and a fixed size, and sums over pieces are taken in
 * their order: the same bytes for any number of threads. */
#ifndef SAM_TRAIN_STEP_H
#define SAM_TRAIN_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "nn/engine.h"
#include "train/model.h"
#include "train/profile.h"
#include "train/settings.h"

struct sam_step;

/* What is known of a step after its gradients are. The norms are NaN where nobody asked. */
struct sam_step_result {
    double loss, perturbed_loss;
    uint32_t correct; /* of the first pass */
    double gradient_norm, perturbed_gradient_norm, weight_norm;
};

/* What to compute. */
struct sam_step_request {
    bool perturbed;  /* gp too; without it the second pass is left out */
    bool statistics; /* update the running statistics */
    bool norms;      /* all three norms */
};

/* The model, engine, pool and profile stay the caller's and must outlive the step, whose momentum
 * starts at 0. */
struct sam_step *sam_step_new(const struct sam_settings *settings, struct sam_model *model,
                              struct sam_engine *engine, struct sam_pool *pool,
                              struct sam_profile *profile, struct sam_error *error);
void sam_step_free(struct sam_step *step);

/* Fills `error` with SAM_DIVERGED: `what` is `value`, which is not finite. Returns -1. */
int sam_step_diverged(const char *what, double value, struct sam_error *error);

/* Whether the optimizer needs gp at every step. */
bool sam_step_is_perturbed(const struct sam_step *step);

/* Parts 1 to 3, for a minibatch as nn/engine.h takes it. SAM_DIVERGED if a loss is not finite, or
 * the norm of g, which is looked at where gp or the norms are asked for. */
int sam_step_gradients(struct sam_step *step, const float *images, const uint8_t *labels, int batch,
                       struct sam_step_request request, struct sam_step_result *result,
                       struct sam_error *error);

/* g and gp (n each), valid until the next call of the above, or of sam_step_update(). */
const float *sam_step_current(const struct sam_step *step);
const float *sam_step_perturbed(const struct sam_step *step);

/* Part 4, with the learning rate `rate`; `number`, the step's, is what the random controls draw
 * by. */
void sam_step_update(struct sam_step *step, uint64_t number, double rate);

/* v (n), which a checkpoint keeps. */
float *sam_step_momentum(struct sam_step *step);

#endif
