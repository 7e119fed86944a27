/* options - the settings as options of a command line. */
#ifndef SAM_TRAIN_OPTIONS_H
#define SAM_TRAIN_OPTIONS_H

#include <argp.h>

#include "base/error.h"

/* The argp key of setting number i of the table is SAM_OPTIONS_KEY + i. */
enum { SAM_OPTIONS_KEY = 0x1000 };

/* Options for the settings that have all of `roles` (0: every setting), each with its default in
 * its help text, in the order of the table, ended by an empty one. The caller frees with
 * sam_options_free(). */
struct argp_option *sam_options_new(unsigned roles, struct sam_error *error);
void sam_options_free(struct argp_option *options);

#endif
