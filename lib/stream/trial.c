#include "stream/trial.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

/* Chunks that go each way: an odd number has a median, in which a chunk that other work interrupted
 * does not count, nor one whose neighbour has fetched its pages. */
enum { EACH = 9, ALL = 2 * EACH };

struct sam_trial {
    atomic_int begun, ended;  /* chunks of the trial */
    double seconds[2][EACH];  /* mapped, and read */
    atomic_bool reading_wins; /* all have ended, and so it is */
};

struct sam_trial *sam_trial_new(struct sam_error *error)
{
    return sam_memory_new(1, sizeof(struct sam_trial), error);
}

void sam_trial_free(struct sam_trial *trial)
{
    free(trial);
}

bool sam_trial_maps(const struct sam_trial *trial)
{
    return !trial->reading_wins;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

struct sam_trial_turn sam_trial_begin(struct sam_trial *trial, bool fit)
{
    const int number = fit && trial->begun < ALL ? atomic_fetch_add(&trial->begun, 1) : ALL;
    if (number >= ALL)
        return (struct sam_trial_turn){.mapped = sam_trial_maps(trial), .number = -1};
    return (struct sam_trial_turn){.mapped = number % 2 == 0, .number = number, .start = now()};
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds)
{
    qsort(seconds, EACH, sizeof *seconds, compare);
    return seconds[EACH / 2];
}

void sam_trial_end(struct sam_trial *trial, const struct sam_trial_turn *turn)
{
    if (turn->number < 0)
        return;
    trial->seconds[turn->number % 2][turn->number / 2] = now() - turn->start;
    if (atomic_fetch_add(&trial->ended, 1) == ALL - 1)
        trial->reading_wins = median(trial->seconds[1]) < median(trial->seconds[0]);
}
