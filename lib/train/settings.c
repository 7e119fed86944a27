#include "train/settings.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "dataset/dataset.h"

static const char *const models[] = {"resnet18", "resnet34", NULL};
static const char *const convs[] = {"fast", "direct", NULL};
static const char *const optimizers[] = {"sgd", "sam", NULL};
static const char *const schedules[] = {"cosine", "constant", NULL};
static const char *const controls[] = {"none",      "random-mask",  "shuffled-ratio",
                                       "step-size", "norm-matched", NULL};

#define RESULT SAM_SETTINGS_RESULT
#define GRADIENT SAM_SETTINGS_GRADIENT

/* Rows of the table, by kind. */
/* clang-format off */
#define ROW(name, kind, member, roles, fallback, least, most, choices, argument, meaning) \
    {name, kind, roles, offsetof(struct sam_settings, member), fallback, least, most, choices, \
     argument, meaning}
#define TEXT(name, member, roles, fallback, argument, meaning) \
    ROW(name, SAM_SETTINGS_TEXT, member, roles, fallback, 0, 0, NULL, argument, meaning)
#define COUNT(name, member, roles, fallback, least, most, argument, meaning) \
    ROW(name, SAM_SETTINGS_COUNT, member, roles, fallback, least, most, NULL, argument, meaning)
#define NUMBER(name, member, roles, fallback, least, most, argument, meaning) \
    ROW(name, SAM_SETTINGS_NUMBER, member, roles, fallback, least, most, NULL, argument, meaning)
#define CHOICE(name, member, roles, fallback, choices, argument, meaning) \
    ROW(name, SAM_SETTINGS_CHOICE, member, roles, fallback, 0, 0, choices, argument, meaning)
#define FLAG(name, member, roles, meaning) \
    ROW(name, SAM_SETTINGS_FLAG, member, roles, NULL, 0, 0, NULL, NULL, meaning)

/* Counts are stored exactly in the doubles of their range. */
#define COUNT_MOST 9007199254740992.0 /* 2^53 */

static const struct sam_setting table[] = {
    TEXT("dataset", dataset, RESULT | GRADIENT, "fashion-mnist", "NAME",
         "images: fashion-mnist, cifar10 or cifar100"),
    TEXT("data", data, SAM_SETTINGS_SAVED | GRADIENT, NULL, "FOLDER",
         "folder of the data set (fashion-mnist: the Debian package's)"),
    COUNT("train-size", train_size, RESULT | GRADIENT, NULL, 1, UINT32_MAX, "N",
          "train on N images only, in proportion to the classes (all)"),
    NUMBER("val-fraction", val_fraction, RESULT | GRADIENT, "0.1", 0, 0.999, "SHARE",
           "share of the training images kept for validation"),
    TEXT("augment", augment, RESULT | GRADIENT, "all", "LIST",
         "all, none, or some of crop,flip,cutout"),
    FLAG("augment-validation", augment_validation, RESULT,
         "augment the validation images too, as the notes' code does"),
    COUNT("batch-size", batch_size, RESULT | GRADIENT, "256", 1, 65536, "N",
          "images in a minibatch"),

    CHOICE("model", model, RESULT, "resnet18", models, "NAME", "resnet18 or resnet34"),
    COUNT("width", width, RESULT, "64", 1, 1024, "N", "channels of the first stage"),
    TEXT("weights", weights, RESULT | GRADIENT, NULL, "FILE",
         "start from these weights (safetensors; names as in PyTorch)"),
    TEXT("kernels", kernels, RESULT | GRADIENT, "auto", "NAME",
         "arithmetic: auto is the fastest this machine has; double is the reference"),
    CHOICE("conv", conv, RESULT | GRADIENT, "fast", convs, "HOW",
           "convolutions: fast, or direct for claims about single parameters"),

    CHOICE("optimizer", optimizer, RESULT, "sam", optimizers, "NAME", "sgd or sam"),
    NUMBER("rho", rho, RESULT | GRADIENT, "0.1", 0, 1e6, "R", "radius of the perturbation"),
    FLAG("adaptive", adaptive, RESULT | GRADIENT, "perturb relative to the weights (ASAM)"),
    TEXT("perturbed-classes", perturbed_classes, RESULT, NULL, "LIST",
         "take the perturbed gradient in these ratio classes only: 1,3"),
    TEXT("mix", mix, RESULT, NULL, "TABLE",
         "the update as a table by class: 13=perturbed,2=0.5*current"),
    NUMBER("clamp", clamp, RESULT, NULL, FLT_MIN, FLT_MAX, "C",
           "bound the update by C times the current gradient (no bound)"),
    CHOICE("control", control, RESULT, "none", controls, "NAME",
           "random-mask, shuffled-ratio, step-size or norm-matched"),
    NUMBER("lr", lr, RESULT, "0.1", 0, 1e6, "RATE", "learning rate"),
    NUMBER("momentum", momentum, RESULT, "0.9", 0, 1, "M", "momentum"),
    NUMBER("weight-decay", weight_decay, RESULT, "0.0005", 0, 1e6, "WD", "weight decay"),
    CHOICE("schedule", schedule, RESULT, "cosine", schedules, "NAME",
           "of the learning rate: cosine to 0, or constant"),
    COUNT("epochs", epochs, RESULT, "200", 1, 1000000, "N", "passes over the training images"),
    COUNT("seed", seed, RESULT | GRADIENT, "1", 0, COUNT_MOST, "N",
          "of split, initial weights, order, augmentation and controls"),

    TEXT("log", log, 0, NULL, "FILE", "file for the table of epochs (standard output)"),
    COUNT("test-every", test_every, RESULT, "1", 0, 1000000, "N",
          "evaluate the test set every N epochs, and at the end; 0: only then"),
    TEXT("checkpoint", checkpoint, 0, NULL, "FILE",
         "file for the weights; FILE.state and FILE.best stand beside it"),
    COUNT("checkpoint-every", checkpoint_every, 0, NULL, 1, COUNT_MOST, "N",
          "save the checkpoint every N steps, besides every epoch"),
    TEXT("dump", dump, 0, NULL, "FILE", "file for gradient records (-: standard output)"),
    COUNT("dump-every", dump_every, RESULT, NULL, 1, COUNT_MOST, "N", "dump every N steps"),
    TEXT("dump-steps", dump_steps, RESULT, NULL, "LIST", "dump these steps: 1,176,352-360"),
    TEXT("dump-epochs", dump_epochs, RESULT, NULL, "LIST",
         "dump the last step of these epochs: 1,5-10, or all"),
    TEXT("run", run, RESULT | GRADIENT, NULL, "NAME", "name of the run, for the records"),
    TEXT("predictions", predictions, 0, NULL, "FILE",
         "file for a table of the test images answered right, at the end"),
    TEXT("info", info, 0, NULL, "FILE",
         "file for kernels, settings and results, as JSON, at the end"),
    TEXT("profile", profile, SAM_SETTINGS_OPTIONAL, NULL, "FILE",
         "file for a table of where the time went (standard error)"),
    COUNT("threads", threads, GRADIENT, NULL, 1, 1024, "N", "threads (all processors)"),
};
/* clang-format on */

enum { SETTINGS = sizeof table / sizeof table[0] };
_Static_assert(SETTINGS <= 64, "one bit a setting in `given`");

const struct sam_setting *sam_settings_table(size_t *count)
{
    *count = SETTINGS;
    return table;
}

size_t sam_settings_find(const char *name)
{
    size_t index = 0;
    while (strcmp(table[index].name, name) != 0)
        index++;
    return index;
}

static void *value_of(const struct sam_settings *settings, const struct sam_setting *setting)
{
    return (char *)settings + setting->offset;
}

static int set_text(char **value, const char *text, struct sam_error *error)
{
    char *copy = sam_memory_string(text, error);
    if (!copy)
        return -1;
    free(*value);
    *value = copy;
    return 0;
}

static int set_choice(const struct sam_setting *setting, const char *text, int *value,
                      struct sam_error *error)
{
    char wanted[128] = "";
    for (int i = 0; setting->choices[i]; i++) {
        if (strcmp(setting->choices[i], text) == 0) {
            *value = i;
            return 0;
        }
        strcat(strcat(wanted, i ? ", " : ""), setting->choices[i]);
    }
    return sam_error_set(error, SAM_USAGE, "--%s: '%s', wanted one of: %s", setting->name, text,
                         wanted);
}

static int assign(struct sam_settings *settings, const struct sam_setting *setting,
                  const char *text, struct sam_error *error)
{
    void *value = value_of(settings, setting);
    char name[40] = "--";
    strcat(name, setting->name);
    switch (setting->kind) {
    case SAM_SETTINGS_TEXT:
        return set_text(value, text, error);
    case SAM_SETTINGS_COUNT:
        return sam_number_count(name, text, (uint64_t)setting->least, (uint64_t)setting->most,
                                value, error);
    case SAM_SETTINGS_NUMBER:
        return sam_number_double(name, text, setting->least, setting->most, value, error);
    case SAM_SETTINGS_CHOICE:
        return set_choice(setting, text, value, error);
    case SAM_SETTINGS_FLAG:
        *(bool *)value = strcmp(text, "yes") == 0;
        return 0;
    }
    return 0;
}

int sam_settings_init(struct sam_settings *settings, struct sam_error *error)
{
    *settings = (struct sam_settings){0};
    for (size_t i = 0; i < SETTINGS; i++) {
        if (table[i].fallback && assign(settings, &table[i], table[i].fallback, error))
            return -1;
    }
    return 0;
}

void sam_settings_free(struct sam_settings *settings)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (table[i].kind == SAM_SETTINGS_TEXT)
            free(*(char **)value_of(settings, &table[i]));
    }
    *settings = (struct sam_settings){0};
}

int sam_settings_set(struct sam_settings *settings, size_t index, const char *text,
                     struct sam_error *error)
{
    const struct sam_setting *setting = &table[index];
    if (!text)
        text = setting->kind == SAM_SETTINGS_FLAG ? "yes" : "-";
    if (assign(settings, setting, text, error))
        return -1;
    settings->given |= UINT64_C(1) << index;
    return 0;
}

int sam_settings_adopt(struct sam_settings *settings, size_t index, const char *text,
                       struct sam_error *error)
{
    return assign(settings, &table[index], text, error);
}

bool sam_settings_given(const struct sam_settings *settings, size_t offset)
{
    size_t index = 0;
    while (table[index].offset != offset)
        index++;
    return settings->given >> index & 1;
}

char *sam_settings_text(const struct sam_settings *settings, size_t index, struct sam_error *error)
{
    const struct sam_setting *setting = &table[index];
    const void *value = value_of(settings, setting);
    char number[SAM_NUMBER_TEXT] = "";
    const char *text = number;
    switch (setting->kind) {
    case SAM_SETTINGS_TEXT:
        text = *(char *const *)value ? *(char *const *)value : "";
        break;
    case SAM_SETTINGS_COUNT:
        if (*(const uint64_t *)value || setting->fallback)
            snprintf(number, sizeof number, "%" PRIu64, *(const uint64_t *)value);
        break;
    case SAM_SETTINGS_NUMBER:
        if (*(const double *)value != 0 || setting->fallback)
            sam_number_text(*(const double *)value, number);
        break;
    case SAM_SETTINGS_CHOICE:
        text = setting->choices[*(const int *)value];
        break;
    case SAM_SETTINGS_FLAG:
        text = *(const bool *)value ? "yes" : "";
        break;
    }
    return sam_memory_string(text, error);
}

const char *sam_settings_folder(const struct sam_settings *settings)
{
    return settings->data ? settings->data : sam_dataset_default_folder(settings->dataset);
}

int sam_settings_update(const struct sam_settings *settings, struct sam_update *update,
                        struct sam_error *error)
{
    const char *mix = settings->mix                                 ? settings->mix
                      : settings->control == SAM_SETTINGS_STEP_SIZE ? "current"
                                                                    : "perturbed";
    if (settings->perturbed_classes
            ? sam_update_parse_classes(settings->perturbed_classes, update, error)
            : sam_update_parse_mix(mix, update, error))
        return -1;
    update->clamp = (float)settings->clamp;
    return 0;
}
