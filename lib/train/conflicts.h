/* conflicts - settings that contradict each other, or that cannot be meant. */
#ifndef SAM_TRAIN_CONFLICTS_H
#define SAM_TRAIN_CONFLICTS_H

#include "base/error.h"
#include "train/settings.h"

/* Refuses them (SAM_USAGE), naming both options and the remedy; files that are one and the same
 * among them, and those of the checkpoint `resumed` (NULL: none) that the run goes on from. Reads
 * no data; what only the data can tell (a batch larger than the training set) train/run.h finds. */
int sam_conflicts_check(const struct sam_settings *settings, const char *resumed,
                        struct sam_error *error);

#endif
