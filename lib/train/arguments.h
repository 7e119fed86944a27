/* arguments - the settings as options of a command line. */
#ifndef SAM_TRAIN_ARGUMENTS_H
#define SAM_TRAIN_ARGUMENTS_H

#include <argp.h>

#include "base/error.h"
#include "train/settings.h"

/* The argp key of setting number i of the table is SAM_ARGUMENTS_KEY + i. */
enum { SAM_ARGUMENTS_KEY = 0x1000 };

/* Options for the settings that have all of `roles` (0: every setting), each with its default in
 * its help text, in the order of the table; then a tool's own, `more` (ended by an empty one). The
 * caller frees with sam_arguments_free(). */
struct argp_option *sam_arguments_new(unsigned roles, const struct argp_option *more,
                                      struct sam_error *error);
void sam_arguments_free(struct argp_option *options);

/* Sets the setting of an argp key. Returns 0, 1 if the key is not one of a setting, or -1. */
int sam_arguments_set(struct sam_settings *settings, int key, const char *argument,
                      struct sam_error *error);

/* Takes the kernels from the environment variable SAM_KERNELS where no option names them. Refuses
 * (SAM_USAGE) those that this machine lacks. */
int sam_arguments_kernels(struct sam_settings *settings, struct sam_error *error);

#endif
