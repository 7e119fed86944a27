#include "train/step.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"
#include "geometry/ratio.h"
#include "nn/timing.h"
#include "train/update.h"
#include "train/vector.h"

/* Parameters of a piece at most: what a piece needs on the side, 40 kB, stays in the L1 or L2
 * cache. */
enum { PIECE = 8192 };

static const double NORM_GUARD = 1e-12; /* keeps e finite where the gradient is zero */
static const float ASAM_ETA = 0.01f;

/* A run of parameters of one tensor. */
struct piece {
    size_t offset, count;
    bool weight; /* one of those that ASAM scales */
};

struct sam_step {
    struct sam_model *model;
    struct sam_engine *engine;
    struct sam_pool *pool;
    struct sam_profile *profile;

    bool perturbed, adaptive;
    double rho;
    float momentum, weight_decay;
    struct sam_update update;
    enum sam_settings_control control;
    uint64_t seed;

    struct piece *pieces;
    size_t piece_count;
    double *sums;      /* (piece_count) */
    float *g, *gp, *v; /* (n) */
    float *moved;      /* (n): w + e, then free for other use */
    uint8_t *classes;  /* (n), for the controls that look at whole tensors */
};

/* What a parallel pass over the pieces or tensors is given. */
struct pass {
    struct sam_step *step;
    const float *array;
    float scale, rate;
    uint64_t number;
};

static size_t pieces_of(const struct sam_arch_tensor *tensor)
{
    return (tensor->count + PIECE - 1) / PIECE;
}

static int cut(struct sam_step *step, const struct sam_arch_tables *tables, struct sam_error *error)
{
    for (size_t t = 0; t < tables->parameter_tensors; t++)
        step->piece_count += pieces_of(&tables->parameters[t]);
    step->pieces = sam_memory_new(step->piece_count, sizeof *step->pieces, error);
    step->sums = sam_memory_new(step->piece_count, sizeof *step->sums, error);
    if (!step->pieces || !step->sums)
        return -1;
    struct piece *piece = step->pieces;
    for (size_t t = 0; t < tables->parameter_tensors; t++) {
        const struct sam_arch_tensor *tensor = &tables->parameters[t];
        const bool weight =
            tensor->role != SAM_ARCH_NORM_BIAS && tensor->role != SAM_ARCH_LINEAR_BIAS;
        for (size_t at = 0; at < tensor->count; at += PIECE) {
            const size_t left = tensor->count - at;
            *piece++ = (struct piece){tensor->offset + at, left < PIECE ? left : PIECE, weight};
        }
    }
    return 0;
}

static int allocate(struct sam_step *step, struct sam_error *error)
{
    const size_t n = step->model->tables.parameter_count;
    float **const arrays[] = {&step->g, &step->gp, &step->v, &step->moved};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        if (!(*arrays[i] = sam_memory_new(n, sizeof(float), error)))
            return -1;
    }
    const bool whole =
        step->control == SAM_SETTINGS_RANDOM_MASK || step->control == SAM_SETTINGS_SHUFFLED_RATIO;
    return !whole || (step->classes = sam_memory_new(n, 1, error)) ? 0 : -1;
}

struct sam_step *sam_step_new(const struct sam_settings *settings, struct sam_model *model,
                              struct sam_engine *engine, struct sam_pool *pool,
                              struct sam_profile *profile, struct sam_error *error)
{
    struct sam_step *step = sam_memory_new(1, sizeof *step, error);
    if (!step)
        return NULL;
    *step = (struct sam_step){
        .model = model,
        .engine = engine,
        .pool = pool,
        .profile = profile,
        .perturbed = settings->optimizer == SAM_SETTINGS_SAM,
        .adaptive = settings->adaptive,
        .rho = settings->rho,
        .momentum = (float)settings->momentum,
        .weight_decay = (float)settings->weight_decay,
        .control = (enum sam_settings_control)settings->control,
        .seed = settings->seed,
    };
    if (sam_settings_update(settings, &step->update, error) || cut(step, &model->tables, error) ||
        allocate(step, error)) {
        sam_step_free(step);
        return NULL;
    }
    return step;
}

void sam_step_free(struct sam_step *step)
{
    if (!step)
        return;
    free(step->pieces);
    free(step->sums);
    free(step->g);
    free(step->gp);
    free(step->v);
    free(step->moved);
    free(step->classes);
    free(step);
}

bool sam_step_is_perturbed(const struct sam_step *step)
{
    return step->perturbed;
}

const float *sam_step_current(const struct sam_step *step)
{
    return step->g;
}

const float *sam_step_perturbed(const struct sam_step *step)
{
    return step->gp;
}

float *sam_step_momentum(struct sam_step *step)
{
    return step->v;
}

/* --- Norms ------------------------------------------------------------------------------------ */

static void sum_job(void *context, size_t job, int worker)
{
    const struct pass *pass = context;
    const struct piece *piece = &pass->step->pieces[job];
    (void)worker;
    pass->step->sums[job] = sam_vector_sum_squares(pass->array + piece->offset, piece->count);
}

static void sum_normalised_job(void *context, size_t job, int worker)
{
    const struct pass *pass = context;
    const struct sam_step *step = pass->step;
    const struct piece *piece = &step->pieces[job];
    const float *x = step->g + piece->offset;
    float normalised[PIECE];
    (void)worker;
    if (piece->weight) {
        sam_vector_normalise(step->model->parameters + piece->offset, x, ASAM_ETA, normalised,
                             piece->count);
        x = normalised;
    }
    step->sums[job] = sam_vector_sum_squares(x, piece->count);
}

/* The square root of the sum of what `job` leaves in sums, taken in the pieces' order. */
static double norm_by(struct sam_step *step, sam_pool_job *job, struct pass *pass)
{
    sam_pool_run(step->pool, step->piece_count, job, pass);
    double sum = 0;
    for (size_t i = 0; i < step->piece_count; i++)
        sum += step->sums[i];
    return sqrt(sum);
}

static double norm(struct sam_step *step, const float *array)
{
    struct pass pass = {.step = step, .array = array};
    return norm_by(step, sum_job, &pass);
}

/* --- The two gradients ------------------------------------------------------------------------ */

static void move_job(void *context, size_t job, int worker)
{
    const struct pass *pass = context;
    const struct sam_step *step = pass->step;
    const struct piece *piece = &step->pieces[job];
    const float *w = step->model->parameters + piece->offset, *g = step->g + piece->offset;
    float *out = step->moved + piece->offset;
    (void)worker;
    if (step->adaptive && piece->weight)
        sam_vector_move_adaptive(w, g, ASAM_ETA, pass->scale, out, piece->count);
    else
        sam_vector_move(w, g, pass->scale, out, piece->count);
}

static void move(struct sam_step *step, double gradient_norm)
{
    struct pass pass = {.step = step};
    if (step->adaptive)
        gradient_norm = norm_by(step, sum_normalised_job, &pass);
    pass.scale = (float)(step->rho / (gradient_norm + NORM_GUARD));
    sam_pool_run(step->pool, step->piece_count, move_job, &pass);
}

int sam_step_diverged(const char *what, double value, struct sam_error *error)
{
    const double seen =
        isnan(value) ? (double)NAN : value; /* which has no sign that says a thing */
    return sam_error_set(error, SAM_DIVERGED, "training diverged: %s is %g, wanted a finite number",
                         what, seen);
}

/* The norm of g, which must be finite. */
static int measure_gradient(struct sam_step *step, struct sam_step_result *result,
                            struct sam_error *error)
{
    result->gradient_norm = norm(step, step->g);
    return isfinite(result->gradient_norm)
               ? 0
               : sam_step_diverged("the norm of the gradient", result->gradient_norm, error);
}

static int perturb(struct sam_step *step, const float *images, const uint8_t *labels, int batch,
                   struct sam_step_result *result, struct sam_error *error)
{
    struct sam_engine_result pass;
    double start = sam_timing_now();
    if (measure_gradient(step, result, error))
        return -1;
    move(step, result->gradient_norm);
    start = sam_profile_add(step->profile, SAM_PROFILE_MOVE, start);
    sam_engine_gradient(step->engine, step->moved, NULL, images, labels, batch, step->gp, &pass);
    sam_profile_add(step->profile, SAM_PROFILE_PERTURBED, start);
    result->perturbed_loss = pass.loss;
    if (!isfinite(pass.loss))
        return sam_step_diverged("the loss at the perturbed weights", pass.loss, error);
    return 0;
}

int sam_step_gradients(struct sam_step *step, const float *images, const uint8_t *labels, int batch,
                       struct sam_step_request request, struct sam_step_result *result,
                       struct sam_error *error)
{
    struct sam_model *model = step->model;
    struct sam_engine_result pass;
    *result = (struct sam_step_result){0, NAN, 0, NAN, NAN, NAN};
    double start = sam_timing_now();
    sam_engine_gradient(step->engine, model->parameters, request.statistics ? model->buffers : NULL,
                        images, labels, batch, step->g, &pass);
    start = sam_profile_add(step->profile, SAM_PROFILE_CURRENT, start);
    step->profile->steps++;
    step->profile->images += (uint64_t)batch;
    result->loss = pass.loss;
    result->correct = pass.correct;
    if (!isfinite(pass.loss))
        return sam_step_diverged("the loss", pass.loss, error);
    if (request.perturbed && perturb(step, images, labels, batch, result, error))
        return -1;
    if (!request.norms)
        return 0;
    start = sam_timing_now();
    if (request.perturbed)
        result->perturbed_gradient_norm = norm(step, step->gp);
    else if (measure_gradient(step, result, error))
        return -1;
    result->weight_norm = norm(step, model->parameters);
    sam_profile_add(step->profile, SAM_PROFILE_NORMS, start);
    return 0;
}

/* --- The update ------------------------------------------------------------------------------- */

/* The random controls, tensor by tensor: they leave permuted classes, or a gp of shuffled ratios.
 */
static void control_job(void *context, size_t job, int worker)
{
    const struct pass *pass = context;
    const struct sam_step *step = pass->step;
    const struct sam_arch_tensor *tensor = &step->model->tables.parameters[job];
    const float *g = step->g + tensor->offset;
    float *gp = step->gp + tensor->offset;
    uint8_t *classes = step->classes + tensor->offset;
    const bool mask = step->control == SAM_SETTINGS_RANDOM_MASK;
    struct sam_rng rng;
    (void)worker;
    sam_rng_init(&rng, step->seed, mask ? SAM_RNG_MASK : SAM_RNG_SHUFFLE, (uint32_t)pass->number,
                 (uint32_t)job);
    sam_ratio_classify(g, gp, tensor->count, classes);
    if (mask)
        sam_update_permute_classes(&rng, classes, tensor->count);
    else
        sam_update_shuffle_ratios(&rng, g, gp, classes, tensor->count,
                                  step->moved + tensor->offset);
}

/* d of a piece: in `scratch` (PIECE), or where it lies already. */
static const float *direction(const struct sam_step *step, const struct piece *piece, float scale,
                              float *scratch)
{
    const float *g = step->g + piece->offset, *gp = step->gp + piece->offset;
    if (!step->perturbed)
        return g;
    if (sam_update_is_perturbed(&step->update) && scale == 1)
        return gp;
    uint8_t fresh[PIECE];
    const uint8_t *classes = fresh;
    if (step->control == SAM_SETTINGS_RANDOM_MASK)
        classes = step->classes + piece->offset;
    else
        sam_ratio_classify(g, gp, piece->count, fresh);
    sam_update_direction(&step->update, g, gp, classes, piece->count, scratch);
    if (scale != 1)
        sam_vector_scale(scale, scratch, piece->count);
    return scratch;
}

static void sum_direction_job(void *context, size_t job, int worker)
{
    const struct pass *pass = context;
    const struct piece *piece = &pass->step->pieces[job];
    float scratch[PIECE];
    (void)worker;
    pass->step->sums[job] =
        sam_vector_sum_squares(direction(pass->step, piece, 1, scratch), piece->count);
}

static void descend_job(void *context, size_t job, int worker)
{
    const struct pass *pass = context;
    const struct sam_step *step = pass->step;
    const struct piece *piece = &step->pieces[job];
    float scratch[PIECE];
    (void)worker;
    sam_vector_descend(direction(step, piece, pass->scale, scratch), pass->rate, step->momentum,
                       step->weight_decay, step->v + piece->offset,
                       step->model->parameters + piece->offset, piece->count);
}

/* What d is multiplied by so that ||d|| = ||gp||. */
static float match_norm(struct sam_step *step, struct pass *pass)
{
    const double wanted = norm(step, step->gp);
    const double had = norm_by(step, sum_direction_job, pass);
    return had > 0 ? (float)(wanted / had) : 1;
}

void sam_step_update(struct sam_step *step, uint64_t number, double rate)
{
    struct pass pass = {.step = step, .scale = 1, .rate = (float)rate, .number = number};
    double start = sam_timing_now();
    if (step->classes)
        sam_pool_run(step->pool, step->model->tables.parameter_tensors, control_job, &pass);
    if (step->control == SAM_SETTINGS_STEP_SIZE || step->control == SAM_SETTINGS_NORM_MATCHED)
        pass.scale = match_norm(step, &pass);
    start = sam_profile_add(step->profile, SAM_PROFILE_CONTROL, start);
    sam_pool_run(step->pool, step->piece_count, descend_job, &pass);
    sam_profile_add(step->profile, SAM_PROFILE_UPDATE, start);
}
