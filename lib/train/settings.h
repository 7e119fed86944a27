/* settings - every setting of a training run, in one table: name, kind, range, default, meaning.
 *
 * The command lines of train-sam and dump-grads, the settings a checkpoint carries, and the check
 * that a resumed run is the same run all read this table. */
#ifndef SAM_TRAIN_SETTINGS_H
#define SAM_TRAIN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "train/schedule.h"
#include "train/update.h"

enum sam_settings_model { SAM_SETTINGS_RESNET18, SAM_SETTINGS_RESNET34 };
enum sam_settings_optimizer { SAM_SETTINGS_SGD, SAM_SETTINGS_SAM };
enum sam_settings_conv { SAM_SETTINGS_CONV_FAST, SAM_SETTINGS_CONV_DIRECT };

/* What a control takes from the classes; see train/update.h and train/step.h. */
enum sam_settings_control {
    SAM_SETTINGS_NO_CONTROL,
    SAM_SETTINGS_RANDOM_MASK,
    SAM_SETTINGS_SHUFFLED_RATIO,
    SAM_SETTINGS_STEP_SIZE,
    SAM_SETTINGS_NORM_MATCHED,
};

/* Texts are owned; those without a value are NULL, counts without a value 0. Values of choices are
 * those of the enumerations. What each means stands in the table in settings.c. */
struct sam_settings {
    /* data */
    char *dataset, *data, *augment;
    uint64_t train_size, batch_size;
    double val_fraction;
    bool augment_validation;
    /* network */
    int model, conv;
    uint64_t width;
    char *weights, *kernels;
    /* optimizer */
    int optimizer, control, schedule;
    bool adaptive;
    double rho, clamp, lr, momentum, weight_decay;
    char *perturbed_classes, *mix;
    uint64_t epochs, seed;
    /* what is written */
    char *log, *checkpoint, *dump, *dump_steps, *dump_epochs, *run, *profile, *info, *predictions;
    uint64_t test_every, checkpoint_every, dump_every;
    uint64_t threads;

    uint64_t given; /* bit i: setting i of the table was set by sam_settings_set() */
};

enum sam_settings_kind {
    SAM_SETTINGS_TEXT,   /* char * */
    SAM_SETTINGS_COUNT,  /* uint64_t */
    SAM_SETTINGS_NUMBER, /* double */
    SAM_SETTINGS_CHOICE, /* int: index in choices */
    SAM_SETTINGS_FLAG,   /* bool */
};

/* Roles of a setting. */
enum {
    SAM_SETTINGS_SAVED = 1,                       /* a checkpoint carries it */
    SAM_SETTINGS_RESULT = 8 | SAM_SETTINGS_SAVED, /* and it changes what a run writes: fixed for the
                                                     life of a checkpoint */
    SAM_SETTINGS_GRADIENT = 2,                    /* means something to dump-grads too */
    SAM_SETTINGS_OPTIONAL = 4, /* its argument may be left out, which gives "-" */
};

struct sam_setting {
    const char *name; /* without the dashes */
    enum sam_settings_kind kind;
    unsigned roles;
    size_t offset;              /* in struct sam_settings */
    const char *fallback;       /* the default as text; NULL: none */
    double least, most;         /* of a count or number */
    const char *const *choices; /* NULL-terminated */
    const char *argument;       /* its name in the help text; NULL for a flag */
    const char *meaning;
};

const struct sam_setting *sam_settings_table(size_t *count);

/* The number of the setting of this name, which must be in the table. */
size_t sam_settings_find(const char *name);

/* All defaults. The caller frees with sam_settings_free(), also after a failure. */
int sam_settings_init(struct sam_settings *settings, struct sam_error *error);
void sam_settings_free(struct sam_settings *settings);

/* Sets number `index` of the table from text (NULL: a flag, or an optional argument left out). */
int sam_settings_set(struct sam_settings *settings, size_t index, const char *text,
                     struct sam_error *error);

/* Likewise, with text as sam_settings_text() gives it, and without its counting as given. */
int sam_settings_adopt(struct sam_settings *settings, size_t index, const char *text,
                       struct sam_error *error);

/* Whether the setting whose value lies at this member was given (`SAM_SETTINGS_GIVEN(s, rho)`). */
bool sam_settings_given(const struct sam_settings *settings, size_t offset);
#define SAM_SETTINGS_GIVEN(settings, member) \
    sam_settings_given(settings, offsetof(struct sam_settings, member))

/* The value as text that sam_settings_set() reads back to the same value; "" where there is none.
 * NULL with `error` if out of memory. The caller frees. */
char *sam_settings_text(const struct sam_settings *settings, size_t index, struct sam_error *error);

/* The update table that the settings describe, and the folder of the data set. */
int sam_settings_update(const struct sam_settings *settings, struct sam_update *update,
                        struct sam_error *error);
const char *sam_settings_folder(const struct sam_settings *settings);

#endif
