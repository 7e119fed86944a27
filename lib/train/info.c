#include "train/info.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* Every setting that has a value, as text; NULL if out of memory. */
static json_t *settings_of(const struct sam_run *run, struct sam_error *error)
{
    size_t count;
    const struct sam_setting *table = sam_settings_table(&count);
    json_t *object = json_object();
    for (size_t i = 0; object && i < count; i++) {
        char *text = sam_settings_text(run->settings, i, error);
        const bool failed =
            !text || (*text && json_object_set_new(object, table[i].name, json_string(text)));
        free(text);
        if (failed) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *dataset_of(const struct sam_run *run)
{
    const struct sam_batches *batches = &run->batches;
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, batches->fingerprint);
    return json_pack("{s:s, s:I, s:I, s:I}", "xxh3", text, "train",
                     (json_int_t)batches->split.train_count, "validation",
                     (json_int_t)batches->split.validation_count, "test",
                     (json_int_t)batches->dataset.test.count);
}

static json_t *info_of(const struct sam_run *run, const char *status, struct sam_error *error)
{
    const struct sam_state *state = &run->state;
    json_t *best =
        json_pack("{s:I, s:o, s:o, s:o}", "epoch", (json_int_t)state->best_epoch, "val_accuracy",
                  number(state->best_val_accuracy), "test_loss", number(state->best_test_loss),
                  "test_accuracy", number(state->best_test_accuracy));
    json_t *final =
        json_pack("{s:o, s:o, s:o}", "val_accuracy", number(state->val_accuracy), "test_loss",
                  number(state->test_loss), "test_accuracy", number(state->test_accuracy));
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:I, s:o, s:I, s:I, s:o, s:o}", "version",
                     SAM_VERSION, "status", status, "settings", settings_of(run, error), "kernels",
                     sam_engine_description(run->engine), "threads", sam_pool_threads(run->pool),
                     "parameters", (json_int_t)run->model.tables.parameter_count, "dataset",
                     dataset_of(run), "steps", (json_int_t)state->step, "epochs",
                     (json_int_t)state->epoch - 1, "final", final, "best", best);
}

int sam_info_write(const struct sam_run *run, const char *status, FILE *file, const char *name,
                   struct sam_error *error)
{
    json_t *info = info_of(run, status, error);
    if (!info)
        return sam_error_set(error, SAM_FAILED, "%s: out of memory", name);
    int failed = json_dumpf(info, file, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(info);
    if (failed || putc('\n', file) == EOF || fflush(file))
        return sam_error_errno(error, "%s", name);
    return 0;
}
