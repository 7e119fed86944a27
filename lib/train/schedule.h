/* schedule - the learning rate of an epoch. */
#ifndef SAM_TRAIN_SCHEDULE_H
#define SAM_TRAIN_SCHEDULE_H

#include <stdint.h>

enum sam_schedule { SAM_SCHEDULE_COSINE, SAM_SCHEDULE_CONSTANT };

/* The rate of epoch 1 .. epochs. It changes once an epoch:
 *   cosine:   rate * (1 + cos(pi * (epoch - 1) / epochs)) / 2, the whole rate in the first epoch
 * and nearly none in the last (I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with
 * warm restarts", ICLR 2017, without restarts); constant: rate. Past the last epoch it is that of
 * epoch `epochs` + 1: 0 with cosine. */
double sam_schedule_rate(enum sam_schedule schedule, double rate, uint32_t epoch, uint32_t epochs);

#endif
