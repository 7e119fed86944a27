#include "train/conflicts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/output.h"
#include "base/ranges.h"
#include "dataset/augment.h"
#include "dataset/dataset.h"
#include "nn/engine.h"

#define GIVEN(member) SAM_SETTINGS_GIVEN(settings, member)

/* A rule: both must not hold at once; `text` says why. */
struct rule {
    bool broken;
    const char *text;
};

static int apply(const struct rule *rules, size_t count, struct sam_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].broken)
            return sam_error_set(error, SAM_USAGE, "%s", rules[i].text);
    }
    return 0;
}

static int check_optimizer(const struct sam_settings *settings, struct sam_error *error)
{
    const bool sgd = settings->optimizer == SAM_SETTINGS_SGD;
    const bool table = settings->mix || settings->perturbed_classes;
    const bool step_size = settings->control == SAM_SETTINGS_STEP_SIZE;
    const struct rule rules[] = {
        {sgd && GIVEN(rho) && !settings->dump,
         "--rho with --optimizer sgd: there is no perturbation, except for the records of --dump"},
        {sgd && settings->adaptive && !settings->dump,
         "--adaptive with --optimizer sgd: there is no perturbation, except for the records of "
         "--dump"},
        {sgd && settings->mix, "--mix with --optimizer sgd: there is no perturbed gradient"},
        {sgd && settings->perturbed_classes,
         "--perturbed-classes with --optimizer sgd: there is no perturbed gradient"},
        {sgd && settings->control != SAM_SETTINGS_NO_CONTROL,
         "--control with --optimizer sgd: there is no perturbed gradient"},
        {sgd && GIVEN(clamp), "--clamp with --optimizer sgd: the update is the current gradient"},
        {settings->mix && settings->perturbed_classes,
         "--mix with --perturbed-classes: each is a whole table, wanted one of them"},
        {step_size && table,
         "--control step-size with --mix or --perturbed-classes: its table is the current gradient "
         "in every class"},
        {step_size && GIVEN(clamp),
         "--control step-size with --clamp: the update is a multiple of the current gradient"},
    };
    return apply(rules, sizeof rules / sizeof rules[0], error);
}

static int check_output(const struct sam_settings *settings, struct sam_error *error)
{
    const bool chosen = settings->dump_every || settings->dump_steps || settings->dump_epochs;
    const bool dump_out = settings->dump && sam_output_is_stdout(settings->dump);
    const bool log_out = settings->log && sam_output_is_stdout(settings->log);
    const struct rule rules[] = {
        {chosen && !settings->dump,
         "--dump-every, --dump-steps or --dump-epochs without --dump: say where the records go"},
        {dump_out && log_out,
         "--dump and --log: both standard output, which the records and the table cannot share"},
        {settings->checkpoint_every && !settings->checkpoint,
         "--checkpoint-every without --checkpoint: say where the checkpoint is kept"},
        {settings->checkpoint && strcmp(settings->checkpoint, "-") == 0,
         "--checkpoint -: a checkpoint is kept in files, wanted a name"},
        {settings->augment_validation && settings->val_fraction == 0,
         "--augment-validation with --val-fraction 0: there are no validation images"},
    };
    return apply(rules, sizeof rules / sizeof rules[0], error);
}

/* A file: that of an option, or one kept beside it. */
struct place {
    const char *option, *path, *suffix;
};

/* Of a device or a pipe any number of outputs may be the same. */
static bool is_same(const struct place *a, const struct place *b)
{
    char one[PATH_MAX], other[PATH_MAX];
    struct stat status;
    if (!a->path || !b->path || strcmp(a->path, "-") == 0 || strcmp(b->path, "-") == 0)
        return false;
    snprintf(one, sizeof one, "%s%s", a->path, a->suffix);
    snprintf(other, sizeof other, "%s%s", b->path, b->suffix);
    const bool file = stat(one, &status) || S_ISREG(status.st_mode);
    return file && sam_output_same(one, other);
}

static int check_pair(const struct place *a, const struct place *b, struct sam_error *error)
{
    if (!is_same(a, b))
        return 0;
    return sam_error_set(error, SAM_USAGE, "%s and %s: one and the same file, %s%s", a->option,
                         b->option, a->path, a->suffix);
}

/* The files of a checkpoint, and those it is written to first. */
static const char *const checkpoint_suffixes[] = {"",      ".state",      ".best",
                                                  ".next", ".state.next", ".best.next"};
enum { CHECKPOINT_FILES = sizeof checkpoint_suffixes / sizeof *checkpoint_suffixes };

/* Outputs that share a file would destroy each other, or what the run begins with. (A checkpoint
 * may take the place of the weights or the checkpoint that the run began with.) */
static int check_files(const struct sam_settings *settings, const char *resumed,
                       struct sam_error *error)
{
    const struct place weights = {"--weights", settings->weights, ""};
    const struct place outputs[] = {
        {"--log", settings->log, ""},
        {"--dump", settings->dump, ""},
        {"--predictions", settings->predictions, ""},
        {"--info", settings->info, ""},
        {"--profile", settings->profile, ""},
    };
    enum { OUTPUTS = sizeof outputs / sizeof *outputs };
    for (size_t i = 0; i < OUTPUTS; i++) {
        for (size_t j = 0; j < i; j++)
            if (check_pair(&outputs[j], &outputs[i], error))
                return -1;
        if (check_pair(&outputs[i], &weights, error))
            return -1;
    }
    for (int k = 0; k < CHECKPOINT_FILES; k++) {
        const struct place kept = {"--checkpoint", settings->checkpoint, checkpoint_suffixes[k]};
        const struct place before = {"--resume", resumed, checkpoint_suffixes[k]};
        for (size_t i = 0; i < OUTPUTS; i++)
            if (check_pair(&outputs[i], &kept, error) || check_pair(&outputs[i], &before, error))
                return -1;
        if (k > 0 && check_pair(&weights, &kept, error))
            return -1;
    }
    return 0;
}

/* What is written in place, as the run goes. */
static int check_streams(const struct sam_settings *settings, struct sam_error *error)
{
    const char *const paths[] = {settings->log, settings->dump};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i] && strcmp(paths[i], "-") != 0 && sam_output_check_streams(paths[i], error))
            return -1;
    return 0;
}

/* A checkpoint takes the place of what has the names of its files. (A folder of its own name is
 * refused where outputs are.) */
static int check_checkpoint(const char *path, struct sam_error *error)
{
    for (int k = 0; path && k < CHECKPOINT_FILES; k++) {
        char name[PATH_MAX];
        struct stat status;
        snprintf(name, sizeof name, "%s%s", path, checkpoint_suffixes[k]);
        const bool there = lstat(name, &status) == 0 && !(k == 0 && S_ISDIR(status.st_mode));
        if (!*path || (there && !S_ISREG(status.st_mode)))
            return sam_error_set(error, SAM_USAGE,
                                 "--checkpoint: '%s', wanted the name of a regular file", name);
    }
    return 0;
}

/* Texts become metadata of what is written: the run's name of its records, the settings that a
 * checkpoint carries of it, all of --info. */
static int check_texts(const struct sam_settings *settings, struct sam_error *error)
{
    size_t count;
    const struct sam_setting *table = sam_settings_table(&count);
    for (size_t i = 0; i < count; i++) {
        const bool saved = settings->checkpoint && table[i].roles & SAM_SETTINGS_SAVED;
        const bool written = saved || settings->info || strcmp(table[i].name, "run") == 0;
        if (table[i].kind != SAM_SETTINGS_TEXT || !written)
            continue;
        const char *text = *(char *const *)((const char *)settings + table[i].offset);
        if (text && !sam_json_is_text(text))
            return sam_error_set(error, SAM_USAGE, "--%s: '%s', wanted UTF-8", table[i].name, text);
    }
    return 0;
}

static int check_list(const char *name, const char *text, uint64_t most, struct sam_error *error)
{
    struct sam_ranges ranges;
    if (!text || strcmp(text, "all") == 0)
        return 0;
    if (sam_ranges_parse(name, text, 1, most, &ranges, error))
        return -1;
    sam_ranges_free(&ranges);
    return 0;
}

static int check_data(const struct sam_settings *settings, struct sam_error *error)
{
    int channels, classes;
    struct sam_augment augment;
    if (sam_dataset_shape(settings->dataset, &channels, &classes, error) ||
        sam_augment_parse(settings->augment, &augment, error))
        return -1;
    if (!sam_settings_folder(settings))
        return sam_error_set(error, SAM_USAGE,
                             "--dataset %s without --data: say in which folder it lies",
                             settings->dataset);
    return 0;
}

int sam_conflicts_check(const struct sam_settings *settings, const char *resumed,
                        struct sam_error *error)
{
    struct sam_update update;
    if (sam_engine_check_kernels(settings->kernels, error) || check_data(settings, error) ||
        check_optimizer(settings, error) || check_output(settings, error) ||
        check_files(settings, resumed, error) || check_streams(settings, error) ||
        check_checkpoint(settings->checkpoint, error) || check_texts(settings, error) ||
        check_list("--dump-steps", settings->dump_steps, UINT64_MAX, error) ||
        check_list("--dump-epochs", settings->dump_epochs, settings->epochs, error))
        return -1;
    return sam_settings_update(settings, &update, error);
}
