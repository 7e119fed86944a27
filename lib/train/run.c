#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/output.h"
#include "nn/timing.h"

/* --- Building --------------------------------------------------------------------------------- */

/* Names the kernels that "auto" means here, so that a checkpoint can. */
static int resolve_kernels(struct sam_settings *settings, struct sam_error *error)
{
    if (strcmp(settings->kernels, "auto") != 0)
        return 0;
    char *name = sam_memory_string(sam_engine_kernel_names()[0], error);
    if (!name)
        return -1;
    free(settings->kernels);
    settings->kernels = name;
    return 0;
}

static int init_model(struct sam_run *run, struct sam_error *error)
{
    const struct sam_settings *settings = run->settings;
    const struct sam_arch arch = {
        .depth = settings->model == SAM_SETTINGS_RESNET34 ? 34 : 18,
        .width = (int)settings->width,
        .channels = run->batches.dataset.channels,
        .classes = run->batches.dataset.classes,
    };
    if (sam_model_init(&run->model, &arch, settings->seed, error))
        return -1;
    return run->batches.split.validation_count
               ? sam_model_init(&run->best, &arch, settings->seed, error)
               : 0;
}

static int init_answers(struct sam_run *run, struct sam_error *error)
{
    const size_t count = run->batches.dataset.test.count;
    run->answers.right = sam_memory_new(count, 1, error);
    run->best_answers.right = sam_memory_new(count, 1, error);
    return run->answers.right && run->best_answers.right ? 0 : -1;
}

struct sam_engine *sam_run_engine(const struct sam_run *run, const char *kernels,
                                  struct sam_error *error)
{
    const struct sam_engine_settings wanted = {
        .arch = run->model.arch,
        .max_batch = (int)run->batches.size,
        .kernels = kernels,
        .conv = run->settings->conv == SAM_SETTINGS_CONV_DIRECT ? SAM_ENGINE_CONV_DIRECT
                                                                : SAM_ENGINE_CONV_FAST,
    };
    return sam_engine_new(&wanted, run->pool, error);
}

int sam_run_load(struct sam_run *run, const char *path, struct sam_error *error)
{
    struct sam_weights weights;
    struct sam_arch arch;
    if (sam_weights_read(path, &weights, error))
        return -1;
    int status = sam_model_infer(&weights, path, &arch, error);
    if (!status && memcmp(&arch, &run->model.arch, sizeof arch) != 0)
        status = sam_error_set(
            error, SAM_FAILED,
            "%s: a ResNet-%d of width %d for %d channels and %d classes, wanted a ResNet-%d of "
            "width %d for %d channels and %d classes",
            path, arch.depth, arch.width, arch.channels, arch.classes, run->model.arch.depth,
            run->model.arch.width, run->model.arch.channels, run->model.arch.classes);
    if (!status)
        status = sam_model_load(&run->model, &weights, path, true, error);
    sam_weights_free(&weights);
    return status;
}

static int restore(struct sam_run *run, const struct sam_checkpoint *checkpoint,
                   struct sam_error *error)
{
    const char *path = checkpoint->path;
    if (sam_state_read(&checkpoint->state.header, path, &run->state, error))
        return -1;
    if (run->state.fingerprint != run->batches.fingerprint)
        return sam_error_set(error, SAM_FAILED,
                             "%s: a data set with XXH3 %016" PRIx64
                             ", wanted the one that the checkpoint %s was made with, %016" PRIx64,
                             sam_settings_folder(run->settings), run->batches.fingerprint, path,
                             run->state.fingerprint);
    if (sam_model_load(&run->model, &checkpoint->weights, path, false, error) ||
        sam_checkpoint_momentum(checkpoint, &run->model.tables, sam_step_momentum(run->step),
                                error))
        return -1;
    if (!checkpoint->has_best || !run->best.parameters)
        return 0;
    run->best_changed = true; /* the checkpoint to be written need not be the one that was read */
    return sam_model_load(&run->best, &checkpoint->best, path, false, error);
}

int sam_run_init(struct sam_run *run, struct sam_settings *settings,
                 const struct sam_checkpoint *checkpoint, struct sam_error *error)
{
    const int threads = settings->threads ? (int)settings->threads : sam_pool_processors();
    *run = (struct sam_run){.settings = settings, .state = sam_state_start()};
    if (resolve_kernels(settings, error) || !(run->pool = sam_pool_new(threads, error)) ||
        sam_batches_init(&run->batches, settings, run->pool, error) || init_model(run, error) ||
        init_answers(run, error) ||
        (settings->weights && !checkpoint && sam_run_load(run, settings->weights, error)) ||
        !(run->engine = sam_run_engine(run, settings->kernels, error)))
        return -1;
    run->state.fingerprint = run->batches.fingerprint;
    run->step = sam_step_new(settings, &run->model, run->engine, run->pool, &run->profile, error);
    if (!run->step || (checkpoint && restore(run, checkpoint, error)))
        return -1;
    return sam_history_init(&run->history,
                            checkpoint ? sam_state_rows(&checkpoint->state.header) : NULL, error);
}

void sam_run_free(struct sam_run *run)
{
    struct sam_error ignored;
    sam_run_close(run, &ignored);
    sam_dump_choice_free(&run->choice);
    sam_step_free(run->step);
    sam_engine_free(run->engine);
    sam_model_free(&run->model);
    sam_model_free(&run->best);
    free(run->answers.right);
    free(run->best_answers.right);
    sam_batches_free(&run->batches);
    sam_pool_free(run->pool);
    *run = (struct sam_run){0};
}

/* What is written after an epoch, or at the end, should not fail only then. */
static int check_outputs(const struct sam_settings *settings, struct sam_error *error)
{
    const char *const paths[] = {settings->checkpoint, settings->info, settings->predictions,
                                 settings->profile};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i] && strcmp(paths[i], "-") != 0 && sam_output_check(paths[i], error))
            return -1;
    return 0;
}

int sam_run_open(struct sam_run *run, struct sam_error *error)
{
    const struct sam_settings *settings = run->settings;
    const bool dump_out = settings->dump && sam_output_is_stdout(settings->dump);
    if (run->state.dump_bytes && !settings->dump)
        return sam_error_set(error, SAM_USAGE,
                             "no --dump, but the checkpoint's run has written %" PRIu64
                             " bytes of records: say to which file",
                             run->state.dump_bytes);
    if (sam_dump_choice_init(&run->choice, settings, sam_batches_per_epoch(&run->batches), error) ||
        check_outputs(settings, error))
        return -1;
    const struct sam_dump_mark mark = {run->state.dump_bytes, run->state.dump_tail};
    if (settings->dump &&
        sam_dump_open(&run->dump, settings->dump, mark, &run->model.tables, error))
        return -1;
    if ((settings->log || !dump_out) && sam_history_open(&run->history, settings->log, error))
        return -1;
    return sam_dump_cut(&run->dump, run->state.dump_bytes, error);
}

int sam_run_close(struct sam_run *run, struct sam_error *error)
{
    const int dump = sam_dump_close(&run->dump, error);
    const int history = sam_history_close(&run->history, error);
    return dump || history ? -1 : 0;
}

uint64_t sam_run_steps(const struct sam_run *run)
{
    return run->settings->epochs * sam_batches_per_epoch(&run->batches);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static bool told_to_stop(void *context)
{
    const struct sam_run *run = context;
    return run->observer.stop && run->observer.stop(run->observer.context);
}

static double rate(const struct sam_run *run)
{
    return sam_schedule_rate((enum sam_schedule)run->settings->schedule, run->settings->lr,
                             (uint32_t)run->state.epoch, (uint32_t)run->settings->epochs);
}

int sam_run_dump(struct sam_run *run, uint64_t step, uint64_t epoch,
                 const struct sam_step_result *result, struct sam_error *error)
{
    const double start = sam_timing_now();
    const struct sam_dump_labels labels = {
        .step = step,
        .epoch = (uint32_t)epoch,
        .rho = run->settings->rho,
        .lr = rate(run),
        .batch_size = run->batches.count,
        .batch = run->batches.identity,
        .seed = run->settings->seed,
        .run = run->settings->run,
    };
    const int status = sam_dump_write(&run->dump, &labels, result, sam_step_current(run->step),
                                      sam_step_perturbed(run->step), error);
    sam_profile_add(&run->profile, SAM_PROFILE_DUMP, start);
    return status;
}

static void next_epoch(struct sam_run *run)
{
    struct sam_state *state = &run->state;
    state->epoch++;
    state->epoch_step = state->correct = state->images = 0;
    state->loss_sum = 0;
    state->gradient_norm = state->perturbed_gradient_norm = state->weight_norm = NAN;
}

void sam_run_pass(struct sam_run *run)
{
    run->state.epoch_step++;
    run->state.step++;
}

/* Counts the step at hand into the sums of the epoch. */
static void count_step(struct sam_run *run, bool norms)
{
    struct sam_state *state = &run->state;
    const struct sam_step_result *result = &run->last;
    state->loss_sum += result->loss * run->batches.count;
    state->correct += result->correct;
    state->images += run->batches.count;
    if (norms) {
        state->gradient_norm = result->gradient_norm;
        if (sam_step_is_perturbed(run->step)) /* not what only the records asked for */
            state->perturbed_gradient_norm = result->perturbed_gradient_norm;
        state->weight_norm = result->weight_norm;
    }
    sam_run_pass(run);
}

void sam_run_take(struct sam_run *run)
{
    const double start = sam_timing_now();
    if (run->state.epoch_step >= sam_batches_per_epoch(&run->batches))
        next_epoch(run);
    sam_batches_take(&run->batches, (uint32_t)run->state.epoch, (uint32_t)run->state.epoch_step);
    sam_profile_add(&run->profile, SAM_PROFILE_DATA, start);
}

int sam_run_step(struct sam_run *run, bool dump, struct sam_error *error)
{
    const struct sam_batches *batches = &run->batches;
    const struct sam_state *state = &run->state;
    sam_run_take(run);
    const bool last = state->epoch_step + 1 == sam_batches_per_epoch(batches);
    dump = dump || (run->settings->dump && sam_dump_choice_has(&run->choice, state->step + 1,
                                                               (uint32_t)state->epoch, last));
    const struct sam_step_request request = {
        .perturbed = dump || sam_step_is_perturbed(run->step),
        .statistics = true,
        .norms = dump || last,
    };
    run->answers.known = false;
    if (sam_step_gradients(run->step, batches->images, batches->labels, (int)batches->count,
                           request, &run->last, error) ||
        (dump && sam_run_dump(run, state->step + 1, state->epoch, &run->last, error)))
        return -1;
    sam_step_update(run->step, state->step + 1, rate(run));
    count_step(run, request.norms);
    return 0;
}

/* --- Epochs ----------------------------------------------------------------------------------- */

static int save(struct sam_run *run, struct sam_error *error)
{
    const char *path = run->settings->checkpoint;
    struct sam_state_meta meta;
    struct sam_dump_mark mark;
    const double start = sam_timing_now();
    if (!path)
        return 0;
    if (sam_dump_sync(&run->dump, &mark, error) || sam_history_sync(&run->history, error))
        return -1;
    run->state.dump_bytes = mark.bytes;
    run->state.dump_tail = mark.tail;
    if (sam_state_meta_init(&meta, &run->state, run->settings, run->history.rows, error))
        return -1;
    const struct sam_checkpoint_content content = {
        .model = &run->model,
        .momentum = sam_step_momentum(run->step),
        .best = run->state.best_epoch ? &run->best : NULL,
        .best_changed = run->best_changed,
        .meta = meta.list,
        .meta_count = meta.count,
    };
    const int status = sam_checkpoint_save(path, &content, error);
    sam_state_meta_free(&meta);
    run->best_changed = run->best_changed && status;
    sam_profile_add(&run->profile, SAM_PROFILE_CHECKPOINT, start);
    return status;
}

static bool tests_now(const struct sam_run *run)
{
    const uint64_t every = run->settings->test_every, epoch = run->state.epoch;
    return epoch == run->settings->epochs || (every && epoch % every == 0);
}

static int test_weights(struct sam_run *run, const struct sam_model *weights,
                        sam_batches_stop *stop, struct sam_run_answers *answers,
                        struct sam_batches_score *score)
{
    const int stopped =
        sam_batches_test(&run->batches, run->engine, weights, stop, run, score, answers->right);
    answers->known = !stopped;
    return stopped;
}

/* Scores of the epoch that ends; NaN where not measured. Returns 1 if told to stop. */
static int evaluate(struct sam_run *run, struct sam_batches_score *validation,
                    struct sam_batches_score *test)
{
    const double start = sam_timing_now();
    *validation = *test = (struct sam_batches_score){NAN, NAN};
    int stopped = 0;
    if (run->batches.split.validation_count)
        stopped = sam_batches_validate(&run->batches, run->engine, &run->model,
                                       (uint32_t)run->state.epoch, told_to_stop, run, validation);
    if (!stopped && tests_now(run))
        stopped = test_weights(run, &run->model, told_to_stop, &run->answers, test);
    sam_profile_add(&run->profile, SAM_PROFILE_EVALUATE, start);
    return stopped;
}

static void keep_scores(struct sam_run *run, const struct sam_batches_score *validation,
                        const struct sam_batches_score *test)
{
    struct sam_state *state = &run->state;
    state->val_accuracy = validation->accuracy;
    state->test_loss = test->loss;
    state->test_accuracy = test->accuracy;
    if (isnan(validation->accuracy) ||
        (state->best_epoch && validation->accuracy <= state->best_val_accuracy))
        return;
    state->best_epoch = state->epoch;
    state->best_val_accuracy = validation->accuracy;
    state->best_test_loss = test->loss;
    state->best_test_accuracy = test->accuracy;
    sam_model_copy(&run->best, &run->model);
    run->best_changed = true;
    run->best_answers.known = run->answers.known;
    if (run->answers.known)
        memcpy(run->best_answers.right, run->answers.right, run->batches.dataset.test.count);
}

/* What the last step did to the weights shows in the scores alone. */
static int check_scores(const struct sam_run *run, const struct sam_batches_score *validation,
                        const struct sam_batches_score *test, struct sam_error *error)
{
    if (run->batches.split.validation_count && !isfinite(validation->loss))
        return sam_step_diverged("the loss of the validation images", validation->loss, error);
    if (tests_now(run) && !isfinite(test->loss))
        return sam_step_diverged("the loss of the test images", test->loss, error);
    return 0;
}

/* Ends the epoch whose steps have been taken: evaluation, table, best weights. */
static int end_epoch(struct sam_run *run, double started, struct sam_error *error)
{
    struct sam_state *state = &run->state;
    struct sam_batches_score validation, test;
    if (evaluate(run, &validation, &test))
        return 1;
    if (check_scores(run, &validation, &test, error))
        return -1;
    keep_scores(run, &validation, &test);
    const struct sam_history_row row = {
        .epoch = (uint32_t)state->epoch,
        .step = state->step,
        .lr = rate(run),
        .train_loss = state->loss_sum / (double)state->images,
        .train_accuracy = 100 * (double)state->correct / (double)state->images,
        .val_loss = validation.loss,
        .val_accuracy = validation.accuracy,
        .test_loss = test.loss,
        .test_accuracy = test.accuracy,
        .gradient_norm = state->gradient_norm,
        .perturbed_gradient_norm = state->perturbed_gradient_norm,
        .weight_norm = state->weight_norm,
        .seconds = sam_timing_now() - started,
    };
    next_epoch(run);
    return sam_history_add(&run->history, &row, error);
}

/* The steps of the epoch under way that are still to be taken. */
static int train_epoch(struct sam_run *run, struct sam_error *error)
{
    const uint32_t per_epoch = sam_batches_per_epoch(&run->batches);
    const uint64_t every = run->settings->checkpoint_every;
    while (run->state.epoch_step < per_epoch) {
        if (told_to_stop(run))
            return 1;
        if (sam_run_step(run, false, error))
            return -1;
        if (run->observer.progress)
            run->observer.progress(run->observer.context, run);
        if (every && run->state.step % every == 0 && save(run, error))
            return -1;
    }
    return 0;
}

int sam_run_train(struct sam_run *run, const struct sam_run_observer *observer,
                  struct sam_error *error)
{
    run->observer = *observer;
    while (run->state.epoch <= run->settings->epochs) {
        const double started = sam_timing_now();
        int status = train_epoch(run, error);
        if (!status)
            status = end_epoch(run, started, error);
        if (status < 0)
            return -1;
        const bool stopped_at_once = status && run->profile.steps == 0; /* nothing to save yet */
        if (!stopped_at_once && save(run, error))
            return -1;
        if (status)
            return status;
    }
    return 0;
}

static bool never_stop(void *context)
{
    (void)context;
    return false;
}

/* What a report wants to know beyond the epochs' evaluations. */
static struct sam_batches_score test_late(struct sam_run *run, const struct sam_model *weights,
                                          struct sam_run_answers *answers)
{
    const double start = sam_timing_now();
    struct sam_batches_score score;
    test_weights(run, weights, never_stop, answers, &score);
    sam_profile_add(&run->profile, SAM_PROFILE_EVALUATE, start);
    return score;
}

void sam_run_test_best(struct sam_run *run)
{
    if (!run->state.best_epoch || !isnan(run->state.best_test_accuracy))
        return;
    const struct sam_batches_score score = test_late(run, &run->best, &run->best_answers);
    run->state.best_test_loss = score.loss;
    run->state.best_test_accuracy = score.accuracy;
}

void sam_run_answer(struct sam_run *run)
{
    if (!run->answers.known)
        test_late(run, &run->model, &run->answers);
    if (run->state.best_epoch && !run->best_answers.known)
        test_late(run, &run->best, &run->best_answers);
}
