/* floor - what rounding alone does: the same gradients by two kinds of arithmetic, compared.
 *
 * Two engines sum the same products in another order, or in another precision. Where they put a
 * parameter into different ratio classes, its class says nothing about the network: no difference
 * between two records below this floor means anything. Each engine goes the whole way, so the
 * perturbation comes from its own g. */
#ifndef SAM_TRAIN_FLOOR_H
#define SAM_TRAIN_FLOOR_H

#include <stdint.h>
#include <stdio.h>

#include "base/csv.h"
#include "base/error.h"
#include "train/run.h"

struct sam_floor;

/* A comparison of a run's engine with the one of these kernels, with the table's header written to
 * `file`: step,epoch,parameters,changed,changed_percent,current_sign_flips,perturbed_sign_flips,
 * current_difference,perturbed_difference. */
struct sam_floor *sam_floor_new(struct sam_run *run, const char *kernels, FILE *file,
                                struct sam_error *error);
void sam_floor_free(struct sam_floor *floor);

/* Compares on the minibatch at hand and writes the row: `changed` parameters whose class differs;
 * sign flips of g and of gp; ||a - b|| / ||b|| of g and of gp, b being the other kernels'. */
int sam_floor_measure(struct sam_floor *floor, uint64_t step, uint64_t epoch,
                      struct sam_error *error);

#endif
